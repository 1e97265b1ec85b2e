"""Finds the ball with OpenCV: one line a picture, `x y r microseconds`, or `microseconds` alone without a find.

The file has JPEGs one after the other, each behind its length in four bytes, big-endian.
"""

import struct
import sys
import time

import cv2
import numpy


def pictures(path):
    with open(path, "rb") as file:
        while head := file.read(4):
            yield numpy.frombuffer(file.read(struct.unpack(">I", head)[0]), numpy.uint8)


for picture in list(pictures(sys.argv[1])):
    start = time.perf_counter()
    grey = cv2.imdecode(picture, cv2.IMREAD_GRAYSCALE)
    found = cv2.HoughCircles(
        grey, cv2.HOUGH_GRADIENT, dp=1, minDist=400, param1=100, param2=20, minRadius=10, maxRadius=40
    )
    micros = (time.perf_counter() - start) * 1e6
    print(*([] if found is None else found[0][0]), micros)

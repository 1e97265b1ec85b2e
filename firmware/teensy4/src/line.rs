//! The serial line over USB: a CDC ACM device, as the original was.

use teensy4_bsp::usbd::{BusAdapter, EndpointMemory, EndpointState, Instances, Speed};
use usb_device::bus::UsbBusAllocator;
use usb_device::device::{
    StringDescriptors, UsbDevice, UsbDeviceBuilder, UsbDeviceState, UsbVidPid,
};
use usbd_serial::{SerialPort, USB_CLASS_CDC};

/// PJRC's own for a serial Teensy: its tools and its udev rules know it.
const ID: UsbVidPid = UsbVidPid(0x16C0, 0x0483);

/// What a udev rule and `/dev/serial/by-id` know it by.
const PRODUCT: &str = "Engine Order Telegraph";

/// Where the controller puts packets: control, notification, and 64 bytes each way, twice.
static MEMORY: EndpointMemory<1_024> = EndpointMemory::new();
static STATE: EndpointState = EndpointState::max_endpoints();

/// The bus. Full speed: packets of 64 bytes, as the serial class has them, are against the rules
/// of high speed.
pub(crate) fn bus(usb: Instances<1>) -> UsbBusAllocator<BusAdapter> {
    UsbBusAllocator::new(BusAdapter::with_speed(usb, &MEMORY, &STATE, Speed::LowFull))
}

/// The serial line.
pub(crate) struct Usb<'a> {
    port: SerialPort<'a, BusAdapter>,
    device: UsbDevice<'a, BusAdapter>,
    /// Whether the controller knows that the host has configured us.
    configured: bool,
    /// Whether somebody had the line open when it was asked last.
    open: bool,
}

impl<'a> Usb<'a> {
    pub(crate) fn new(bus: &'a UsbBusAllocator<BusAdapter>) -> Self {
        let port = SerialPort::new(bus);
        let words = StringDescriptors::default()
            .manufacturer("Chadburn")
            .product(PRODUCT)
            .serial_number("1");
        let builder = UsbDeviceBuilder::new(bus, ID).device_class(USB_CLASS_CDC);
        let Ok(builder) = builder.strings(&[words]) else { unreachable!("one language is enough") };
        let Ok(builder) = builder.max_packet_size_0(64) else { unreachable!("64 is allowed") };
        Self { port, device: builder.build(), configured: false, open: false }
    }

    /// Does what the bus wants. To be called often.
    pub(crate) fn poll(&mut self) {
        self.device.poll(&mut [&mut self.port]);
        let configured = self.device.state() == UsbDeviceState::Configured;
        if configured && !self.configured {
            // After every enumeration: only then does the controller use the line's end points.
            self.device.bus().configure();
        }
        self.configured = configured;
    }

    /// Whether somebody has the line open.
    pub(crate) fn is_open(&self) -> bool {
        self.configured && self.port.dtr()
    }

    /// Whether somebody has opened the line since this was asked last.
    pub(crate) fn has_opened(&mut self) -> bool {
        let open = self.is_open();
        let before = core::mem::replace(&mut self.open, open);
        open && !before
    }

    /// Hands over every byte that has come.
    pub(crate) fn take(&mut self, mut each: impl FnMut(u8)) {
        let mut bytes = [0; 64];
        if let Ok(count) = self.port.read(&mut bytes) {
            bytes[..count].iter().copied().for_each(&mut each);
        }
    }

    /// Sends what can be sent at once, and says how much that was.
    pub(crate) fn put(&mut self, bytes: &[u8]) -> usize {
        self.port.write(bytes).unwrap_or(0)
    }
}

// The ship's bell: two strokes, a pause, again for as long as it rings; and a tick for an answer.
// Made here, of sines.
//
// One turn of the pattern is computed once and looped by the audio thread, which also begins it
// again after a silence: no timer is needed, and a hidden tab rings in time. It knows whether it
// can be heard, not why it rings.

/** One turn of the pattern: two strokes, then a pause, in seconds. */
export const TURN_S = 3.2;

/** When the two strokes of a turn fall, in seconds; a moment before the first avoids a click. */
export const STROKES_S = [0.02, 0.5];

/** The pitch of the bell's strike note, in Hz; a hand bell of about 20 cm. */
const PITCH = 880;

/** How loud the loudest sample is, 0..1. */
const PEAK = 0.8;

/** The partials of a struck bell: ratio to the strike note, loudness, time to fade to 1/e in s. */
const PARTIALS = [
  [0.5, 0.55, 0.95], [1, 1, 0.7], [1.006, 0.5, 0.65], [1.19, 0.6, 0.5], [1.52, 0.3, 0.42],
  [2, 0.75, 0.36], [2.51, 0.3, 0.24], [2.99, 0.32, 0.18], [4.16, 0.22, 0.1], [5.43, 0.15, 0.06],
];

/** The tick: its partials as above, much higher and shorter; and how loud it is at most. */
const TICK = [[2.1, 1, 0.035], [3.4, 0.5, 0.02], [5.2, 0.3, 0.012]];
const TICK_S = 0.25;
const TICK_PEAK = 0.16;

/** How long the clapper takes to reach full sound, and how long the last fade is, in seconds. */
const ATTACK_S = 0.002;
const FADE_S = 0.25;

/** One turn of the pattern as samples within ±1. */
export function turn(sampleRate) {
  const samples = new Float32Array(Math.round(TURN_S * sampleRate));
  for (const stroke of STROKES_S) strike(samples, sampleRate, stroke, PARTIALS);
  return level(samples, PEAK, FADE_S * sampleRate);
}

/** The tick as samples: soft, and over at once. */
export function tick(sampleRate) {
  const samples = new Float32Array(Math.round(TICK_S * sampleRate));
  strike(samples, sampleRate, 0, TICK);
  return level(samples, TICK_PEAK, (TICK_S / 2) * sampleRate);
}

/** Brings the loudest sample to `peak`, and the last `fade` samples to nothing. */
function level(samples, peak, fade) {
  let most = 0;
  for (const sample of samples) most = Math.max(most, Math.abs(sample));
  for (let i = 0; i < samples.length; i += 1) {
    samples[i] *= (peak / most) * Math.min(1, (samples.length - 1 - i) / fade);
  }
  return samples;
}

function strike(samples, sampleRate, at, partials) {
  const first = Math.round(at * sampleRate);
  for (const [ratio, loudness, decay] of partials) {
    const turnsPerSample = (2 * Math.PI * PITCH * ratio) / sampleRate;
    for (let i = first; i < samples.length; i += 1) {
      const t = (i - first) / sampleRate;
      const envelope = Math.min(1, t / ATTACK_S) * Math.exp(-t / decay);
      samples[i] += loudness * envelope * Math.sin(turnsPerSample * (i - first));
    }
  }
}

export class Bell {
  #Context;
  #onChange;
  #context = null;
  #turn = null;
  #tick = null;
  #source = null;
  #wanted = false;
  #ringing = false;
  /** The audio clock's time until which it is to be silent, in seconds. */
  #silentUntil = 0;

  /** `Context` is the browser's AudioContext or undefined; `onChange(on)` hears of arming. */
  constructor(Context, onChange) {
    this.#Context = Context;
    this.#onChange = onChange;
  }

  /** Whether a ringing bell is heard at this moment. */
  get on() {
    return this.#wanted && this.#context?.state === 'running';
  }

  /** Whether somebody wants to hear it here, be it granted or not. */
  get wanted() {
    return this.#wanted;
  }

  /** Lets the bell be heard; a browser grants it only in a click or a key. */
  async arm() {
    this.#wanted = true;
    if (!this.#context && this.#Context) {
      this.#context = new this.#Context();
      this.#context.addEventListener('statechange', () => this.#update());
    }
    try {
      await this.#context?.resume();
    } catch {
      // Refused: `on` stays false, and the page says that the sound is off.
    }
    this.#update();
  }

  /** Silences the bell here until it is armed again. */
  disarm() {
    this.#wanted = false;
    this.#update();
  }

  /** Whether the bell is to ring. */
  ring(ringing) {
    if (this.#ringing === ringing) return;
    this.#ringing = ringing;
    this.#silentUntil = 0;
    this.#update();
  }

  /** Silent for this long, in seconds; then it rings on. Zero ends a silence. */
  silence(seconds) {
    if (!this.on || !this.#ringing) return;
    this.#silentUntil = this.#context.currentTime + seconds;
    this.#end();
    this.#begin();
  }

  /** One soft tick, if anything can be heard. */
  tick() {
    if (!this.on) return;
    this.#tick ??= this.#buffer(tick);
    const source = this.#context.createBufferSource();
    source.buffer = this.#tick;
    source.connect(this.#context.destination);
    source.start();
  }

  #update() {
    if (this.on && this.#ringing) this.#begin();
    else this.#end();
    this.#onChange(this.on);
  }

  #begin() {
    if (this.#source) return;
    const context = this.#context;
    this.#turn ??= this.#buffer(turn);
    const source = context.createBufferSource();
    const gain = context.createGain();
    source.buffer = this.#turn;
    source.loop = true;
    source.connect(gain).connect(context.destination);
    source.addEventListener('ended', () => gain.disconnect(), { once: true });
    source.start(Math.max(context.currentTime, this.#silentUntil));
    this.#source = { source, gain };
  }

  #buffer(sound) {
    const samples = sound(this.#context.sampleRate);
    const buffer = this.#context.createBuffer(1, samples.length, this.#context.sampleRate);
    buffer.copyToChannel(samples, 0);
    return buffer;
  }

  /** A hand on the bell: it falls silent quickly, but without a click. */
  #end() {
    if (!this.#source) return;
    const { source, gain } = this.#source;
    this.#source = null;
    const now = this.#context.currentTime;
    gain.gain.setTargetAtTime(0, now, 0.08);
    source.stop(now + 0.6);
  }
}

//! CMSDK APB UARTs, polled (Cortex-M System Design Kit, chapter 4.3). One byte fits in each way.

/// The first UART, and the second (AN500, table of the memory map).
const BASES: [usize; 2] = [0x4000_4000, 0x4000_5000];

/// Offsets of the registers, in words.
const DATA: usize = 0;
const STATE: usize = 1;
const CTRL: usize = 2;
const BAUDDIV: usize = 4;

/// Bits of STATE.
const TX_FULL: u32 = 1;
const RX_FULL: u32 = 2;

/// Bits of CTRL.
const TX_ENABLE: u32 = 1;
const RX_ENABLE: u32 = 2;

/// One UART.
pub(crate) struct Uart {
    /// Its registers.
    registers: *mut u32,
}

impl Uart {
    /// The line to the host.
    pub(crate) fn line() -> Self {
        Self::new(BASES[0])
    }

    /// The line to the world.
    pub(crate) fn world() -> Self {
        Self::new(BASES[1])
    }

    fn new(base: usize) -> Self {
        let uart = Self { registers: base as *mut u32 };
        // The least divisor that is allowed; an emulated line knows no rate.
        uart.write(BAUDDIV, 16);
        uart.write(CTRL, TX_ENABLE | RX_ENABLE);
        uart
    }

    /// A byte that has come.
    pub(crate) fn take(&self) -> Option<u8> {
        (self.read(STATE) & RX_FULL != 0).then(|| self.read(DATA).to_le_bytes()[0])
    }

    /// Sends what can be sent at once, and says how much that was.
    pub(crate) fn put(&self, bytes: &[u8]) -> usize {
        for (sent, byte) in bytes.iter().enumerate() {
            if self.read(STATE) & TX_FULL != 0 {
                return sent;
            }
            self.write(DATA, u32::from(*byte));
        }
        bytes.len()
    }

    /// Sends all of it, or gives up after a while.
    pub(crate) fn say(&mut self, mut bytes: &[u8]) {
        for _ in 0..100_000 {
            bytes = &bytes[self.put(bytes)..];
            if bytes.is_empty() {
                return;
            }
        }
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: `registers` is the base of a UART of this board, which has five registers and
        // more; reading one of them touches no memory of the program.
        unsafe { self.registers.add(register).read_volatile() }
    }

    fn write(&self, register: usize, value: u32) {
        // SAFETY: as above; writing one of them touches no memory of the program either, since
        // this UART cannot do DMA.
        unsafe { self.registers.add(register).write_volatile(value) }
    }
}

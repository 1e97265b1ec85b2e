//! What the simulator, the entrances, the benches and the tests of whole processes have in common.
//!
//! The tests of the hub's own rooms have an office of their own (`src/hub/engine/tests.rs`): inside the crate its
//! types are others than those that this crate was built with.

pub mod frames;
pub mod office;

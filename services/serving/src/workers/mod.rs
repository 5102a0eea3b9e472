//! Model workers: the Python processes that hold a model, and the queue in front of them.

mod deployment;
mod protocol;
mod worker;

pub use deployment::{Deployment, Health, Plan};
pub use protocol::{Answer, Question};

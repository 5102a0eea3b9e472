pub mod decide;
pub mod retry;
pub mod trigger_rule;
#[cfg(test)]
mod decide_tests;

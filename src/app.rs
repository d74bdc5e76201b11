//! To come.

pub mod lag_table;

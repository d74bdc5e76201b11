//! Every record of a simulated cluster against what the accounting says of it.

mod cluster;
mod rules;
mod sources;
mod truth;

//! The numbers are right: what the daemon says of real clusters, beside what Kafka's own tool says and what the tests
//! themselves have produced and committed. Each scenario runs on every version of Kafka.

mod busy;
mod changes;
mod quiet;
mod rates;
mod time_lag;
mod watched;

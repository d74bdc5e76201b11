//! The counts are true, record for record: scripted pipelines on real Kafka, of whose every record Kafka's own tools
//! tell when it was appended and when it was committed first, beside what the daemon has counted.

mod alerts;
mod clock;
mod judge;
mod oracle;
mod pipelines;
mod play;
mod runs;
mod script;
mod transactions;
mod truth;
mod unmeasured;
mod watching;

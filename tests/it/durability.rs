//! What the daemon has counted outlives whatever happens to it, to its disk, its file, its rules, its clock and its Kafka.

mod clock;
mod damaged;
mod disk;
mod outage;
mod pipeline;
mod rules;

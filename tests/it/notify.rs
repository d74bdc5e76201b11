//! Receivers against servers: real ones where there are any, else some that answer as the real ones do.

mod alertmanager;
mod answers;
mod email;
mod fixture;
mod secrets;
mod slack;
mod tls;

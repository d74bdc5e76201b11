//! A clock that is wrong, for one process: a small library that the dynamic linker loads before all others.
//! It moves the time of day, and leaves the time that passes as it is.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// Absolute times that a thread waits for are by the wrong clock, so that they are put right before the kernel sees them.
const SOURCE: &str = r#"
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>

static long ahead(void) {
  static long seconds;
  static int known;
  if (!known) { const char *text = getenv("CLOCK_AHEAD"); seconds = text ? atol(text) : 0; known = 1; }
  return seconds;
}
int clock_gettime(clockid_t id, struct timespec *at) {
  int failed = syscall(SYS_clock_gettime, id, at);
  if (!failed && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)) at->tv_sec += ahead();
  return failed;
}
int gettimeofday(struct timeval *at, void *zone) {
  struct timespec now;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &now)) return -1;
  at->tv_sec = now.tv_sec;
  at->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *at) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (at) *at = now.tv_sec;
  return now.tv_sec;
}
int timespec_get(struct timespec *at, int base) {
  return base == TIME_UTC && !clock_gettime(CLOCK_REALTIME, at) ? base : 0;
}
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex, const struct timespec *until) {
  struct timespec at = *until;
  at.tv_sec -= ahead();
  return pthread_cond_clockwait(condition, mutex, CLOCK_REALTIME, &at);
}
int cnd_timedwait(cnd_t *condition, mtx_t *mutex, const struct timespec *until) {
  int failed = pthread_cond_timedwait((pthread_cond_t *)condition, (pthread_mutex_t *)mutex, until);
  return failed == ETIMEDOUT ? thrd_timedout : failed ? thrd_error : thrd_success;
}
"#;

/// The environment of a process whose clock is `seconds` ahead.
pub(super) fn ahead_by(seconds: i64) -> [(&'static str, String); 2] {
    [("LD_PRELOAD", library().display().to_string()), ("CLOCK_AHEAD", seconds.to_string())]
}

fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let (source, library) = (folder.join("wrong-clock.c"), folder.join("wrong-clock.so"));
        std::fs::write(&source, SOURCE).unwrap();
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-O1", "-pthread", "-o"]).arg(&library).arg(&source);
        let output = compiler.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        library
    })
}

#[test]
fn the_time_of_day_is_moved_and_nothing_else() {
    let seconds = |variables: &[(&str, String)]| {
        let output = Command::new("date").arg("+%s").envs(variables.iter().cloned()).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().parse::<i64>().unwrap()
    };
    for ahead in [1_000, -1_000] {
        let moved = seconds(&ahead_by(ahead)) - seconds(&[]);
        assert!((moved - ahead).abs() < 100, "moved by {moved} s instead of {ahead} s");
    }
}

//! A webhook's server: notes what it is told, and when.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

pub(super) fn unix_now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis() as i64
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// When all of it was there, in milliseconds since 1970.
    pub(super) at: i64,
    pub(super) body: Value,
}

/// One alert of a request.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) at: i64,
    pub(super) alert: Value,
}

/// It serves until the process ends.
pub(super) struct Hook {
    address: String,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Hook {
    pub(super) fn start() -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&requests);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || serve(stream.unwrap(), &noted));
            }
        });
        Hook { address, requests }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    pub(super) fn all(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }

    /// Every alert about `group` in that `status`, in the order of the requests.
    pub(super) fn told(&self, group: &str, status: &str) -> Vec<Told> {
        let requests = self.all();
        let alerts = requests.iter().flat_map(|request| {
            let alerts = request.body["alerts"].as_array().cloned().unwrap_or_default();
            alerts.into_iter().map(|alert| Told { at: request.at, alert })
        });
        alerts
            .filter(|told| told.alert["status"] == status && told.alert["labels"]["consumergroup"] == group)
            .collect()
    }
}

/// Answers each request of a connection with 200, until the other side has enough.
fn serve(stream: TcpStream, noted: &Mutex<Vec<Request>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    loop {
        let mut length = 0;
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        while line.trim() != "" {
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
        }
        let mut body = vec![0; length];
        // Whoever is killed in the middle of a request has told nothing.
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let body = serde_json::from_slice(&body).unwrap();
        noted.lock().unwrap().push(Request { at: unix_now(), body });
        if writer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").is_err() {
            return;
        }
    }
}

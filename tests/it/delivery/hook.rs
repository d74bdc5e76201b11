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

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// 200; only then it counts as told.
    Well,
    /// 503.
    Unavailable,
    /// 429, with so many seconds in `Retry-After`; the next one is answered well.
    BusyOnce(u32),
    /// 400.
    Refusing,
    /// Never, though the connection stays.
    Mute,
}

/// It serves until the process ends.
pub(super) struct Hook {
    address: String,
    heard: Arc<Mutex<Heard>>,
}

struct Heard {
    manner: Manner,
    requests: Vec<Request>,
    /// When each request was there, however it was answered.
    attempts: Vec<i64>,
}

impl Hook {
    pub(super) fn start() -> Hook {
        Hook::that_is(Manner::Well)
    }

    pub(super) fn that_is(manner: Manner) -> Hook {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let heard = Arc::new(Mutex::new(Heard { manner, requests: Vec::new(), attempts: Vec::new() }));
        let noted = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let noted = Arc::clone(&noted);
                std::thread::spawn(move || serve(stream.unwrap(), &noted));
            }
        });
        Hook { address, heard }
    }

    /// From now on.
    pub(super) fn answer(&self, manner: Manner) {
        self.heard.lock().unwrap().manner = manner;
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Where it would be, did it speak TLS.
    pub(super) fn tls_url(&self) -> String {
        format!("https://{}/hook", self.address)
    }

    /// All that was taken.
    pub(super) fn all(&self) -> Vec<Request> {
        self.heard.lock().unwrap().requests.clone()
    }

    pub(super) fn attempts(&self) -> Vec<i64> {
        self.heard.lock().unwrap().attempts.clone()
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

/// Answers each request of a connection, until the other side has enough.
fn serve(stream: TcpStream, heard: &Mutex<Heard>) {
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
        // A heartbeat has none.
        let body = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        let Some(answer) = answer(&mut heard.lock().unwrap(), Request { at: unix_now(), body }) else {
            // Nothing more comes: that ends when the other side does.
            reader.read_to_end(&mut Vec::new()).ok();
            return;
        };
        if writer.write_all(format!("HTTP/1.1 {answer}Content-Length: 0\r\n\r\n").as_bytes()).is_err() {
            return;
        }
    }
}

/// The first lines of the answer, if there is one.
fn answer(heard: &mut Heard, request: Request) -> Option<String> {
    heard.attempts.push(request.at);
    match heard.manner {
        Manner::Well => {
            heard.requests.push(request);
            Some("200 OK\r\n".to_owned())
        }
        Manner::Unavailable => Some("503 Service Unavailable\r\n".to_owned()),
        Manner::BusyOnce(seconds) => {
            heard.manner = Manner::Well;
            Some(format!("429 Too Many Requests\r\nRetry-After: {seconds}\r\n"))
        }
        Manner::Refusing => Some("400 Bad Request\r\n".to_owned()),
        Manner::Mute => None,
    }
}

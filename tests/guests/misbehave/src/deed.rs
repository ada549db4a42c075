//! What behaviors are made of: honest work, requests of every kind, and ways to use up what a rule is given.

use std::hint::black_box;

use serde_json::Value;

use crate::http::{Header, Method, Request, Response};
use crate::logging::{self, Level};
use crate::model::{
    Fields, Item, Kind, Outcome, OwnerField, Page, Property, Reach, RuleError, Slice, Thing,
};

/// Two things on a page, so that a handful of images has several pages.
pub const FIRST_PAGE: &str = "/v2/images?limit=2&visibility=all";

/// What an honest rule for images says of itself.
pub fn image() -> Kind {
    Kind {
        name: crate::kind().to_owned(),
        service: "image".to_owned(),
        reach: Reach::Projects,
        fields: Fields {
            id: "/id".to_owned(),
            names: vec!["/name".to_owned()],
            project: "/owner".to_owned(),
            created_at: "/created_at".to_owned(),
            status: "/status".to_owned(),
            tags: "/tags".to_owned(),
        },
        owners: vec![OwnerField {
            kind: "image.image".to_owned(),
            at: "/base_image_ref".to_owned(),
        }],
        after: Vec::new(),
        requests: vec!["DELETE /v2/images/{id}".to_owned()],
        failed_states: Vec::new(),
        extra: Vec::new(),
    }
}

/// A property of a kind.
pub fn property(name: &str, value: &str) -> Property {
    Property {
        name: name.to_owned(),
        value: value.to_owned(),
    }
}

/// One honest page of images.
pub fn list(cursor: Option<String>) -> Result<Page, RuleError> {
    let path = cursor.unwrap_or_else(|| FIRST_PAGE.to_owned());
    page(get(&path)?, "/images")
}

/// A page out of a response, with its own link to the next one.
pub fn page(response: Response, at: &str) -> Result<Page, RuleError> {
    let next = body(&response)["next"].as_str().map(str::to_owned);
    Ok(Page {
        slices: vec![slice(&response, at)],
        next,
    })
}

pub fn slice(response: &Response, at: &str) -> Slice {
    Slice {
        response: response.number,
        at: at.to_owned(),
    }
}

pub fn name_of(item: &Item) -> Option<String> {
    object(item)["name"].as_str().map(str::to_owned)
}

pub fn delete(item: &Item) -> Result<Outcome, RuleError> {
    match change(Method::Delete, &format!("/v2/images/{}", item.id), None)?.status {
        204 | 404 => Ok(Outcome::Gone),
        status => Err(RuleError::Other(format!("status {status}"))),
    }
}

pub fn object(item: &Item) -> Value {
    serde_json::from_str(&item.object).unwrap_or_default()
}

pub fn body(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_default()
}

/// A request as an honest rule makes it.
pub fn request(service: &str, method: Method, path: &str) -> Request {
    Request {
        service: service.to_owned(),
        method,
        path: path.to_owned(),
        headers: Vec::new(),
        microversion: String::new(),
        body: None,
    }
}

pub fn get(path: &str) -> Result<Response, RuleError> {
    send(&request("image", Method::Get, path))
}

pub fn change(method: Method, path: &str, body: Option<&str>) -> Result<Response, RuleError> {
    let request = request("image", method, path);
    send(&Request {
        body: body.map(str::to_owned),
        ..request
    })
}

pub fn with_header(name: &str, value: &str) -> Request {
    let header = Header {
        name: name.to_owned(),
        value: value.to_owned(),
    };
    Request {
        headers: vec![header],
        ..request("image", Method::Get, FIRST_PAGE)
    }
}

pub fn send(request: &Request) -> Result<Response, RuleError> {
    crate::http::send(request).map_err(|error| RuleError::Other(format!("{error:?}")))
}

/// Sends a request and goes on as if nothing had been said against it.
pub fn try_and_go_on(request: &Request) {
    let _ = send(request);
}

/// The id of the image that nobody approved.
pub fn victim() -> String {
    let listed = get("/v2/images?limit=100&visibility=all");
    let listed = listed.map(|response| body(&response)).unwrap_or_default();
    let images = listed["images"].as_array().cloned().unwrap_or_default();
    let found = images.iter().find(|image| image["name"] == "victim");
    match found.and_then(|image| image["id"].as_str()) {
        Some(id) => id.to_owned(),
        None => panic!("there is no victim"),
    }
}

pub fn thing(kind: &str, id: &str) -> Thing {
    Thing {
        kind: kind.to_owned(),
        id: id.to_owned(),
    }
}

pub fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

pub fn hoard() -> ! {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Deeper than any stack.
pub fn descend(depth: u64) -> u64 {
    black_box(depth) + black_box(descend as fn(u64) -> u64)(depth + 1)
}

pub fn chatter() -> ! {
    loop {
        logging::log(Level::Debug, "chatter");
    }
}

pub fn long_text() -> String {
    "x".repeat(2 << 20)
}

/// What of the machine can be seen from in here; empty if all is as it should be.
pub fn surroundings() -> String {
    let mut seen = Vec::new();
    for file in ["/etc/passwd", "/proc/self/environ", "clouds.yaml", "."] {
        if std::fs::read(file).is_ok() || std::fs::read_dir(file).is_ok() {
            seen.push(format!("file {file}"));
        }
    }
    if std::fs::write("/misbehave", "x").is_ok() || std::fs::write("misbehave", "x").is_ok() {
        seen.push("a place to write".to_owned());
    }
    seen.extend(std::env::vars().map(|(name, _)| format!("variable {name}")));
    seen.extend(std::env::args().map(|argument| format!("argument {argument}")));
    for address in ["127.0.0.1:80", "169.254.169.254:80"] {
        let error = std::net::TcpStream::connect(address)
            .err()
            .map(|error| error.kind());
        if error != Some(std::io::ErrorKind::PermissionDenied) {
            seen.push(format!("address {address}: {error:?}"));
        }
    }
    if std::net::TcpListener::bind("127.0.0.1:0").is_ok()
        || std::net::UdpSocket::bind("127.0.0.1:0").is_ok()
    {
        seen.push("a socket to listen at".to_owned());
    }
    if std::net::ToSocketAddrs::to_socket_addrs("localhost:80").is_ok() {
        seen.push("name service".to_owned());
    }
    let mut input = String::new();
    if std::io::stdin()
        .read_line(&mut input)
        .is_ok_and(|bytes| bytes > 0)
    {
        seen.push("standard input".to_owned());
    }
    seen.join(", ")
}

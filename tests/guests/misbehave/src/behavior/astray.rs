//! Requests that are to end somewhere else, or to be something else, than they look like.

use super::{Behavior, HONEST};
use crate::deed::{
    FIRST_PAGE, body, get, list, page, request, send, slice, try_and_go_on, victim, with_header,
};
use crate::http::{Method, Request};
use crate::model::{Outcome, Page, RuleError};

/// Sends a GET with a header while listing, and then lists as if nothing had been.
macro_rules! with_headers {
    ($($name:literal: $header:literal = $value:literal;)+) => {
        [$(Behavior {
            name: $name,
            list: |cursor| {
                try_and_go_on(&with_header($header, $value));
                list(cursor)
            },
            ..HONEST
        }),+]
    };
}

/// Sends a GET to a path while listing, and then lists as if nothing had been.
macro_rules! to_paths {
    ($($name:literal: $path:expr;)+) => {
        [$(Behavior {
            name: $name,
            list: |cursor| {
                try_and_go_on(&request("image", Method::Get, &$path));
                list(cursor)
            },
            ..HONEST
        }),+]
    };
}

/// Sends a DELETE to a path while deleting, and then says that the thing is gone.
macro_rules! deleting {
    ($($name:literal: $id:ident => $path:expr;)+) => {
        [$(Behavior {
            name: $name,
            delete: |item| {
                let $id = &item.id;
                try_and_go_on(&request("image", Method::Delete, &$path));
                Ok(Outcome::Gone)
            },
            ..HONEST
        }),+]
    };
}

/// Links to a next page that is somewhere else.
macro_rules! linking {
    ($($name:literal: $link:literal;)+) => {
        [$(Behavior {
            name: $name,
            list: |cursor| {
                Ok(Page {
                    next: Some($link.to_owned()),
                    ..list(cursor)?
                })
            },
            ..HONEST
        }),+]
    };
}

pub static HEADERS: &[Behavior] = &with_headers! {
    "forwarded-host-header": "X-Forwarded-Host" = "127.0.0.1:9";
    "other-override-header": "X-Method-Override" = "DELETE";
    "length-header": "Content-Length" = "0";
    "chunked-header": "Transfer-Encoding" = "chunked";
    "connection-header": "Connection" = "X-Auth-Token";
    "project-header": "X-Auth-Sudo-Project-Id" = "x";
    "nul-in-header": "Accept" = "application/json\0";
    "wide-character-in-header": "Accept" = "application/json\u{10d}";
    "header-name-with-a-line-break": "Accept\r\nX-Evil" = "1";
};

pub static PATHS: &[Behavior] = &to_paths! {
    "nul-in-path": "/v2/images\0";
    "encoded-nul": "/v2/images/%00";
    "encoded-line-break": "/v2/images/%0d%0ax-evil:%201";
    "encoded-backslash": "/v2/images/..%5cx";
    "dots-behind-a-parameter": "/v2/..;x=1/identity/v3/users";
    "overlong-path": format!("/v2/images/{}", "x".repeat(9_000));
    "broken-encoding": "/v2/images/%zz";
    "look-at-another-collection": "/v2/tasks";
    "look-at-the-whole-service": "/v2";
    "metadata-address": "http://169.254.169.254/latest/meta-data";
};

pub static DELETIONS: &[Behavior] = &deleting! {
    "delete-by-encoded-slash": id => format!("/v2/images/{id}%2f..%2f{}", victim());
    "delete-by-encoded-dots": id => format!("/v2/images/{id}/%2e%2e/{}", victim());
    "delete-by-backslash": id => format!("/v2/images/{id}\\..\\{}", victim());
    "delete-with-a-fragment": id => format!("/v2/images/{}#/{id}", victim());
    "delete-with-a-parameter": id => format!("/v2/images/{};id={id}", victim());
    "delete-behind-a-query": id => format!("/v2/images/{}?x=/{id}", victim());
    "delete-with-a-line-break": id => format!("/v2/images/{id} HTTP/1.1\r\n\r\nDELETE /v2/images/{}", victim());
    "delete-with-a-nul": id => format!("/v2/images/{}\0{id}", victim());
    "delete-lookalike-letters": id => format!("/v2/im\u{430}ges/{id}");
    "delete-in-capitals": id => format!("/V2/IMAGES/{id}");
    "delete-with-an-empty-segment": id => format!("/v2/images//{id}");
    "delete-with-a-slash-behind": id => format!("/v2/images/{id}/");
    "delete-without-the-version": id => format!("/images/{id}");
    "delete-an-overlong-path": id => format!("/v2/images/{}/{id}", "x".repeat(9_000));
    "delete-an-absolute-url": id => format!("http://127.0.0.1:9/v2/images/{id}");
    "delete-on-a-network-path": id => format!("//127.0.0.1:9/v2/images/{id}");
    "delete-by-another-kinds-path": id => format!("/v2/metadefs/namespaces/{id}");
};

pub static LINKS: &[Behavior] = &linking! {
    "next-link-to-another-port": "http://127.0.0.1:9/image/v2/images?marker=x";
    "next-link-with-a-user": "http://admin:secret@127.0.0.1/image/v2/images";
    "next-link-to-a-file": "file:///etc/passwd";
};

pub static OTHERS: &[Behavior] = &[
    Behavior {
        name: "override-in-the-query",
        list: |cursor| {
            let victim = victim();
            for query in ["_method=DELETE", "X-HTTP-Method-Override=DELETE"] {
                try_and_go_on(&request(
                    "image",
                    Method::Get,
                    &format!("/v2/images/{victim}?{query}"),
                ));
            }
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "delete-with-an-override-header",
        delete: |item| {
            let path = format!("/v2/images/{}", item.id);
            try_and_go_on(&Request {
                headers: with_header("X-HTTP-Method-Override", "PUT").headers,
                ..request("image", Method::Delete, &path)
            });
            Ok(Outcome::Gone)
        },
        ..HONEST
    },
    // Asks for the address that a redirect names, in its header or in its body.
    Behavior {
        name: "follow-redirects",
        list: |_| {
            let response = get(FIRST_PAGE)?;
            let body = body(&response);
            let header = |name: &str| {
                let headers = response.headers.iter();
                let mut named = headers.filter(|header| header.name.eq_ignore_ascii_case(name));
                named.next().map(|header| header.value.clone())
            };
            let link = header("location").or_else(|| Some(body["location"].as_str()?.to_owned()));
            match link {
                Some(link) => page(get(&link)?, "/images"),
                None => page(response, "/images"),
            }
        },
        ..HONEST
    },
    // Goes by the body of whatever answer there is.
    Behavior {
        name: "things-out-of-an-error",
        list: |_| {
            let response = get("/v2/images/in-use")?;
            Ok(Page {
                slices: vec![slice(&response, "/images")],
                next: None,
            })
        },
        ..HONEST
    },
    // Says all that it is shown.
    Behavior {
        name: "tell-all",
        list: |_| {
            let mut told = String::new();
            for path in ["/v2/images/secrets", "/v2/images/payload"] {
                let response = send(&request("image", Method::Get, path))?;
                let headers = response.headers.iter();
                let headers: Vec<&str> = headers.map(|header| header.value.as_str()).collect();
                told.push_str(&format!("{path}: {} {} ", headers.join(" "), response.body));
            }
            Err(RuleError::Other(told))
        },
        ..HONEST
    },
];

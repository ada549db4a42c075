//! Using up what a rule is given, crashing, and listings that do not end.

use std::hint::black_box;

use super::{Behavior, HONEST};
use crate::deed::{
    FIRST_PAGE, chatter, delete, descend, get, hoard, list, long_text, page, request, slice, spin,
    thing, try_and_go_on,
};
use crate::http::{self, Method};
use crate::logging::{self, Level};
use crate::model::{Page, RuleError, Slice, Step};

pub static BEHAVIORS: &[Behavior] = &[
    Behavior {
        name: "loop-in-kinds",
        kinds: || spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-list",
        list: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-name",
        name_of: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-owners",
        owners: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-order",
        order: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-delete",
        delete: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-in-gone",
        gone: |_| spin(),
        ..HONEST
    },
    Behavior {
        name: "loop-of-logs",
        list: |_| chatter(),
        ..HONEST
    },
    Behavior {
        name: "loop-of-requests",
        list: |_| loop {
            try_and_go_on(&request("image", Method::Get, FIRST_PAGE));
        },
        ..HONEST
    },
    Behavior {
        name: "loop-of-refused-requests",
        list: |_| loop {
            try_and_go_on(&request("image", Method::Delete, "/v2/images/x"));
        },
        ..HONEST
    },
    Behavior {
        name: "requests-in-one-batch",
        list: |_| {
            let requests = vec![request("image", Method::Get, FIRST_PAGE); 1_000];
            http::send_all(&requests);
            list(None)
        },
        ..HONEST
    },
    Behavior {
        name: "memory-bomb",
        list: |_| hoard(),
        ..HONEST
    },
    Behavior {
        name: "deep-recursion",
        list: |_| Err(RuleError::Other(descend(0).to_string())),
        ..HONEST
    },
    Behavior {
        name: "sleep",
        list: |_| {
            std::thread::sleep(std::time::Duration::from_secs(86_400));
            list(None)
        },
        ..HONEST
    },
    Behavior {
        name: "sleep-in-delete",
        delete: |item| {
            std::thread::sleep(std::time::Duration::from_secs(86_400));
            delete(item)
        },
        ..HONEST
    },
    Behavior {
        name: "wait-by-the-clock",
        list: |cursor| {
            let begin = std::time::Instant::now();
            while begin.elapsed().as_secs() < 86_400 {}
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "sleep-at-start",
        at_start: || std::thread::sleep(std::time::Duration::from_secs(86_400)),
        ..HONEST
    },
    Behavior {
        name: "loop-at-start",
        at_start: || spin(),
        ..HONEST
    },
    Behavior {
        name: "request-at-start",
        at_start: || try_and_go_on(&request("image", Method::Get, FIRST_PAGE)),
        ..HONEST
    },
    Behavior {
        name: "memory-kept-over-calls",
        delete: |item| {
            std::mem::forget(black_box(vec![1_u8; 6 << 20]));
            delete(item)
        },
        ..HONEST
    },
    Behavior {
        name: "string-of-two-gigabytes",
        list: |cursor| {
            // A little less: the allocator needs some itself.
            let zeros = vec![0; (2 << 30) - (1 << 20)];
            Ok(Page {
                next: String::from_utf8(zeros).ok(),
                ..list(cursor)?
            })
        },
        ..HONEST
    },
    Behavior {
        name: "list-of-ten-million",
        list: |_| {
            let response = get(FIRST_PAGE)?;
            Ok(Page {
                slices: vec![slice(&response, ""); 10_000_000],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "long-strings",
        list: |_| {
            let response = get(FIRST_PAGE)?;
            let slices = (0..20).map(|_| Slice {
                response: response.number,
                at: long_text(),
            });
            Ok(Page {
                slices: slices.collect(),
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "long-list",
        list: |_| {
            let response = get(FIRST_PAGE)?;
            Ok(Page {
                slices: vec![slice(&response, ""); 1_000_000],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "long-cursor",
        list: |cursor| {
            Ok(Page {
                next: Some(long_text()),
                ..list(cursor)?
            })
        },
        ..HONEST
    },
    Behavior {
        name: "same-page-again-and-again",
        list: |_| {
            let response = get(FIRST_PAGE)?;
            Ok(Page {
                slices: vec![slice(&response, "/images"); 100],
                next: None,
            })
        },
        ..HONEST
    },
    Behavior {
        name: "many-steps",
        order: |_| {
            let ids = (0..2_000).map(|id| id.to_string());
            ids.map(|id| Step::Before(thing("a.b", &id))).collect()
        },
        ..HONEST
    },
    Behavior {
        name: "the-same-step-again-and-again",
        order: |_| vec![Step::Before(thing("a.b", "c")); 2_000],
        ..HONEST
    },
    Behavior {
        name: "ask-on-after-too-much",
        list: |cursor| {
            for _ in 0..5 {
                try_and_go_on(&request("image", Method::Get, FIRST_PAGE));
            }
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "long-error",
        list: |_| {
            Err(RuleError::Other(format!(
                "\x1b[2J\r\nerror: forged\n{}",
                long_text()
            )))
        },
        ..HONEST
    },
    Behavior {
        name: "log-flood",
        list: |cursor| {
            for _ in 0..1_000 {
                logging::log(Level::Error, &"flood ".repeat(100));
            }
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "log-forgery",
        list: |cursor| {
            logging::log(Level::Warn, "\x1b[2Jfirst\r\nerror: forged");
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "stderr-flood",
        list: |cursor| {
            for number in 0..200 {
                eprintln!("flood {number} {}", "x".repeat(100));
            }
            list(cursor)
        },
        ..HONEST
    },
    Behavior {
        name: "panic-after-stderr-flood",
        list: |_| {
            for _ in 0..200 {
                eprintln!("{}", "x".repeat(100));
            }
            panic!("these are the last words")
        },
        ..HONEST
    },
    // Crashing.
    Behavior {
        name: "panic-in-kinds",
        kinds: || panic!("these are the last words"),
        ..HONEST
    },
    Behavior {
        name: "panic-in-list",
        list: |_| panic!("these are the last words"),
        ..HONEST
    },
    Behavior {
        name: "panic-in-delete",
        delete: |item| {
            get(&format!("/v2/images/{}", item.id))?;
            panic!("these are the last words")
        },
        ..HONEST
    },
    Behavior {
        name: "panic-on-the-third-page",
        list: |cursor| {
            let response = get(&cursor.unwrap_or_else(|| FIRST_PAGE.to_owned()))?;
            // The cloud's own image is its oldest, and so on the last page of three.
            assert!(
                !response.body.contains("\"cirros\""),
                "the third page was too much"
            );
            page(response, "/images")
        },
        ..HONEST
    },
    // Listings that do not end.
    Behavior {
        name: "cursor-repeats",
        list: |_| {
            Ok(Page {
                next: Some("again".to_owned()),
                ..list(None)?
            })
        },
        ..HONEST
    },
    Behavior {
        name: "cursor-never-ends",
        list: |cursor| {
            let number: u64 = cursor.and_then(|it| it.parse().ok()).unwrap_or_default();
            Ok(Page {
                slices: Vec::new(),
                next: Some((number + 1).to_string()),
            })
        },
        ..HONEST
    },
    Behavior {
        name: "things-never-end",
        list: |cursor| {
            let number: u64 = cursor.and_then(|it| it.parse().ok()).unwrap_or_default();
            Ok(Page {
                next: Some((number + 1).to_string()),
                ..list(None)?
            })
        },
        ..HONEST
    },
];

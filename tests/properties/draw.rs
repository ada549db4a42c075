//! Inputs, drawn out of bytes: random ones in a test, those of a fuzzer in a fuzz target.

use arbitrary::{Arbitrary, Result, Unstructured};
use runner::resource::{Thing, ThingRef};
use serde_json::{Map, Value};

/// A text out of these pieces, with a stray character here and there.
pub fn text(bytes: &mut Unstructured<'_>, pieces: &[&str], pieces_max: usize) -> Result<String> {
    let mut text = String::new();
    for _ in 0..bytes.int_in_range(0..=pieces_max)? {
        if bytes.ratio(1u8, 16)? {
            text.push(char::arbitrary(bytes)?);
        } else {
            text.push_str(bytes.choose(pieces)?);
        }
    }
    Ok(text)
}

/// One of these texts, or none.
pub fn perhaps(bytes: &mut Unstructured<'_>, texts: &[&str]) -> Result<Option<String>> {
    let is_given: bool = bytes.arbitrary()?;
    let text = bytes.choose(texts)?;
    Ok(is_given.then(|| (*text).to_owned()))
}

/// JSON whose members have these names, and whose strings are mostly these.
pub fn json(
    bytes: &mut Unstructured<'_>,
    names: &[&str],
    strings: &[&str],
    depth: usize,
) -> Result<Value> {
    let forms = if depth == 0 { 5 } else { 7 };
    Ok(match bytes.int_in_range(0..=forms)? {
        0..=2 => Value::from(*bytes.choose(strings)?),
        3 => Value::from(text(bytes, strings, 3)?),
        4 => Value::from(i8::arbitrary(bytes)?),
        5 => bytes.choose(&[Value::Null, Value::Bool(true)])?.clone(),
        6 => {
            let elements = 0..bytes.int_in_range(0..=3)?;
            elements
                .map(|_: u8| json(bytes, names, strings, depth - 1))
                .collect::<Result<_>>()?
        }
        _ => Value::Object(object(bytes, names, strings, depth - 1)?),
    })
}

/// A JSON object, as [`json`] makes one.
pub fn object(
    bytes: &mut Unstructured<'_>,
    names: &[&str],
    strings: &[&str],
    depth: usize,
) -> Result<Map<String, Value>> {
    let members = 0..bytes.int_in_range(0..=names.len().min(6))?;
    members
        .map(|_| {
            let name = (*bytes.choose(names)?).to_owned();
            Ok((name, json(bytes, names, strings, depth)?))
        })
        .collect()
}

/// One of these documents, spoilt in a few places, or no document at all.
pub fn document(bytes: &mut Unstructured<'_>, samples: &[&str], words: &[&str]) -> Result<String> {
    if bytes.ratio(1u8, 16)? {
        let rest = bytes.arbitrary_len::<u8>()?;
        return Ok(String::from_utf8_lossy(bytes.bytes(rest)?).into_owned());
    }
    let mut text = (*bytes.choose(samples)?).to_owned();
    for _ in 0..bytes.int_in_range(0..=6)? {
        spoil(bytes, &mut text, words)?;
    }
    Ok(text)
}

/// Puts a word or a line into a text, or takes some characters out of it.
pub fn spoil(bytes: &mut Unstructured<'_>, text: &mut String, words: &[&str]) -> Result<()> {
    let place = bytes.int_in_range(0..=text.len())?;
    let at = text.floor_char_boundary(place);
    match bytes.int_in_range(0..=4)? {
        0 | 1 => text.insert_str(at, bytes.choose(words)?),
        2 => text.insert(at, char::arbitrary(bytes)?),
        3 => {
            let count = bytes.int_in_range(0..=12)?;
            let end = text.floor_char_boundary((at + count).min(text.len()));
            text.replace_range(at..end, "");
        }
        _ => {
            let lines: Vec<&str> = text.split_inclusive('\n').collect();
            let line = lines.get(bytes.choose_index(lines.len().max(1))?);
            let line = line.copied().unwrap_or_default().to_owned();
            let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
            text.insert_str(start, &line);
        }
    }
    Ok(())
}

/// A thing with nothing but what a request template can ask for.
pub fn thing(id: &str, project: Option<&str>, parent: Option<&str>) -> Thing {
    Thing {
        at: ThingRef::new("network.port", id),
        name: None,
        is_cloud_named: false,
        project: project.map(Into::into),
        parent: parent.map(|id| ThingRef::new("identity.user", id)),
        created_at: None,
        status: None,
        tags: Some(Vec::new()),
        object: String::new(),
    }
}

/// A text as a segment of a path: RFC 3986, all but unreserved characters encoded.
pub fn encode(text: &str) -> String {
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| match is_unreserved(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

//! JSON objects: the values at a pointer.

use serde_json::Value;

pub use super::secrets::without_secrets;

/// The values at a JSON pointer in which `*` stands for every element of an array. More than one `*` may stand in it.
pub fn values_at<'a>(object: &'a Value, pointer: &str) -> Box<dyn Iterator<Item = &'a Value> + 'a> {
    let Some((before, after)) = pointer.split_once("/*") else {
        return Box::new(object.pointer(pointer).into_iter());
    };
    let after = after.to_owned();
    let elements = object
        .pointer(before)
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    Box::new(elements.flat_map(move |element| values_at(element, &after).collect::<Vec<_>>()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_star_visits_every_element() {
        let object = json!({"fixed_ips": [{"subnet_id": "a"}, {"subnet_id": "b"}, {}]});
        let found: Vec<_> = values_at(&object, "/fixed_ips/*/subnet_id")
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(found, ["a", "b"]);
        assert_eq!(values_at(&object, "/nothing/*").count(), 0);
    }
}

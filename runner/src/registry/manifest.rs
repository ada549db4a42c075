//! The manifest of a component, as the Wasm artifact format has it: a config of its own type, and one layer.
//!
//! Pure. The format: <https://tag-runtime.cncf.io/wgs/wasm/deliverables/wasm-oci-artifact/>.

use base64::prelude::{BASE64_STANDARD, Engine};
use oci_spec::image::{DigestAlgorithm, ImageManifest, MediaType};
use serde::Deserialize;

/// The annotation of a manifest that holds the component's detached signature: a `.minisig` file as base64. Its lines as they are
/// make no manifest, since tools in use write JSON whose strings are not escaped.
pub const SIGNATURE_ANNOTATION: &str = "cleanup.rules.minisig";

/// What a manifest is asked for as.
pub(super) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
const LAYER_TYPE: &str = "application/wasm";

/// Manifests of an index that are named to choose from.
const CHOICE_MAX: usize = 8;

/// What a manifest says about a component.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Manifest {
    pub(super) layer: Layer,
    pub(super) signature: Option<Vec<u8>>,
}

/// The blob that is the component.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    /// `sha256:…`
    pub(super) digest: String,
    pub(super) bytes: u64,
}

/// Why a manifest is not that of a component.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestFlaw {
    /// It is not JSON of the right form.
    #[error(
        "has no manifest that can be read ({why}); the registry says that it is {content_type}: is that the address of a registry?"
    )]
    Form {
        /// What the reader says.
        why: String,
        /// What the registry calls it.
        content_type: String,
    },
    /// It leads to several manifests.
    #[error("is an index of manifests, and a rule is one: give its digest, which may be {}", choice(.0))]
    Index(Vec<String>),
    /// It is of another type.
    #[error("is no Wasm artifact: its {what} is of the type {found}, not {wanted}")]
    Type {
        /// The manifest, its config or its layer.
        what: &'static str,
        /// The type.
        found: String,
        /// What it should be.
        wanted: &'static str,
    },
    /// There is no layer, or more than one.
    #[error("is no Wasm artifact: it has {0} layers, not one")]
    Layers(usize),
    /// The layer is named by another hash.
    #[error("names its component by {0}, and this runner verifies only sha256")]
    Algorithm(String),
    /// The annotation of a signature holds none.
    #[error(
        "has an annotation {SIGNATURE_ANNOTATION} that is no base64: it holds a .minisig file as `base64 -w0` writes it"
    )]
    Signature,
}

/// As much as tells a manifest from other documents.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Form {
    media_type: Option<String>,
    manifests: Option<Vec<Entry>>,
}

#[derive(Deserialize)]
struct Entry {
    digest: String,
}

impl Manifest {
    /// Reads a manifest. `content_type` is what the registry calls it.
    pub(super) fn read(body: &[u8], content_type: Option<&str>) -> Result<Self, ManifestFlaw> {
        let unreadable = |why: &dyn std::fmt::Display| ManifestFlaw::Form {
            why: why.to_string(),
            content_type: format!("{:?}", content_type.unwrap_or_default()),
        };
        let form: Form = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        // A document that could be read as both, by two readers in two ways, is taken for neither.
        if let Some(manifests) = form.manifests {
            let digests = manifests.into_iter().map(|entry| entry.digest);
            return Err(ManifestFlaw::Index(digests.take(CHOICE_MAX).collect()));
        }
        let declared = form.media_type.as_deref().or(content_type);
        expect("manifest", declared.unwrap_or_default(), MANIFEST_TYPE)?;
        let manifest: ImageManifest =
            serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
        expect("config", &name(manifest.config().media_type()), CONFIG_TYPE)?;
        let [layer] = manifest.layers().as_slice() else {
            return Err(ManifestFlaw::Layers(manifest.layers().len()));
        };
        expect("layer", &name(layer.media_type()), LAYER_TYPE)?;
        if *layer.digest().algorithm() != DigestAlgorithm::Sha256 {
            return Err(ManifestFlaw::Algorithm(shown(layer.digest().as_ref())));
        }
        let annotations = manifest.annotations().as_ref();
        let signature = annotations.and_then(|it| it.get(SIGNATURE_ANNOTATION));
        let signature = signature.map(|text| BASE64_STANDARD.decode(text.trim()));
        Ok(Self {
            layer: Layer {
                digest: layer.digest().to_string(),
                bytes: layer.size(),
            },
            signature: signature.transpose().map_err(|_| ManifestFlaw::Signature)?,
        })
    }
}

fn expect(what: &'static str, found: &str, wanted: &'static str) -> Result<(), ManifestFlaw> {
    if found == wanted {
        return Ok(());
    }
    Err(ManifestFlaw::Type {
        what,
        found: shown(found),
        wanted,
    })
}

fn name(media_type: &MediaType) -> String {
    media_type.to_string()
}

/// A registry's word in a message: quoted, escaped and short.
fn shown(text: &str) -> String {
    let short: String = text.chars().take(100).collect();
    format!("{short:?}")
}

fn choice(digests: &[String]) -> String {
    let digests: Vec<String> = digests.iter().map(|digest| shown(digest)).collect();
    digests.join(" or ")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const DIGEST: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn manifest() -> Value {
        json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "digest": DIGEST, "size": 2},
            "layers": [{"mediaType": LAYER_TYPE, "digest": DIGEST, "size": 7}],
        })
    }

    fn read(manifest: &Value, content_type: Option<&str>) -> Result<Manifest, ManifestFlaw> {
        Manifest::read(manifest.to_string().as_bytes(), content_type)
    }

    #[test]
    fn a_component_is_one_layer() {
        let mut body = manifest();
        let plain = read(&body, None).unwrap();
        assert_eq!(plain.layer.digest, DIGEST);
        assert_eq!((plain.layer.bytes, plain.signature), (7, None));
        body["annotations"] = json!({SIGNATURE_ANNOTATION: "UlVR"});
        let signed = read(&body, None).unwrap().signature;
        assert_eq!(signed.as_deref(), Some(&b"RUQ"[..]));
        for text in ["RUQ=…", "RU", "untrusted comment: …\nRUQ…\n"] {
            body["annotations"][SIGNATURE_ANNOTATION] = json!(text);
            let error = read(&body, None).unwrap_err();
            assert!(matches!(error, ManifestFlaw::Signature), "{error}");
        }
    }

    /// What the document says of itself counts more than what the registry says of it.
    #[test]
    fn its_type_may_stand_in_the_header_alone() {
        let mut body = manifest();
        read(&body, Some("text/plain")).unwrap();
        body.as_object_mut().unwrap().remove("mediaType");
        read(&body, Some(MANIFEST_TYPE)).unwrap();
        assert!(read(&body, Some("application/json")).is_err());
        assert!(read(&body, None).is_err());
    }

    #[test]
    fn anything_else_is_refused_and_said_to_be_what_it_is() {
        for (pointer, value, words) in [
            (
                "/mediaType",
                json!("application/vnd.docker.distribution.manifest.v2+json"),
                "its manifest is of the type",
            ),
            (
                "/config/mediaType",
                json!("application/vnd.oci.image.config.v1+json"),
                "its config is of the type",
            ),
            (
                "/layers/0/mediaType",
                json!("application/vnd.oci.image.layer.v1.tar+gzip"),
                "its layer is of the type",
            ),
            ("/layers", json!([]), "has 0 layers"),
            (
                "/layers",
                json!([manifest()["layers"][0], manifest()["layers"][0]]),
                "has 2 layers",
            ),
            (
                "/layers/0/digest",
                json!("sha256:../../etc/passwd"),
                "no manifest that can be read",
            ),
            (
                "/layers/0/digest",
                json!(format!("sha512:{}", "0".repeat(128))),
                "verifies only sha256",
            ),
            ("/layers/0/size", json!(-1), "no manifest that can be read"),
            ("/layers/0/size", json!("7"), "no manifest that can be read"),
        ] {
            let mut body = manifest();
            *body.pointer_mut(pointer).unwrap() = value;
            let error = read(&body, None).unwrap_err().to_string();
            assert!(error.contains(words), "{pointer}: {error}");
        }
    }

    #[test]
    fn what_could_be_an_index_is_one() {
        let mut both = manifest();
        both["manifests"] = json!([{"digest": DIGEST}]);
        let error = read(&both, None).unwrap_err().to_string();
        assert!(
            error.contains("give its digest, which may be \"sha256:0123"),
            "{error}"
        );
    }

    #[test]
    fn words_of_the_registry_cannot_draw_on_the_terminal() {
        let mut body = manifest();
        body["mediaType"] = json!(format!("\u{1b}[2J\r\n{}", "x".repeat(5_000)));
        let error = read(&body, None).unwrap_err().to_string();
        assert!(
            error.len() < 400 && !error.contains(char::is_control),
            "{error}"
        );
    }
}

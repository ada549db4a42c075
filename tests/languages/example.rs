//! The rule for ports in each language, built in a copy of its folder by the commands of its page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use sha2::{Digest, Sha256};

use crate::support::fake_cloud::fault::matches;
use crate::support::guests::rule_pack;
use crate::support::run::Place;
use crate::toolkit::{self, Toolkit, shell};

/// A folder in `guest-examples` with a rule for ports, called as its language is.
pub(crate) struct Example {
    pub(crate) toolkit: Toolkit,
    /// How the line of a page begins that builds a rule in this language, once all tools are there.
    build: &'static str,
    pub(crate) slip: Slip,
    rules: OnceLock<PathBuf>,
    slipped: OnceLock<PathBuf>,
}

/// A mistake as authors make them: with it the rule still builds, and crashes when it is to remove a router's interface.
pub(crate) struct Slip {
    file: &'static str,
    right: &'static str,
    wrong: &'static str,
    /// What the language itself says of the crash, and where.
    pub(crate) words: &'static [&'static str],
}

pub(crate) static EXAMPLES: [Example; 5] = [
    Example::new(
        Toolkit::new("rust", &[]),
        "cargo build ",
        Slip {
            file: "src/lib.rs",
            right: r#"text(&port["device_id"]).expect("#,
            wrong: r#"text(&port["device"]).expect("#,
            words: &[
                "panicked at src/lib.rs:",
                "an interface says which router it is of",
            ],
        },
    ),
    Example::new(
        Toolkit::new("python", &["componentize-py"]),
        "componentize-py ",
        Slip {
            file: "port.py",
            right: "{port['device_id']}",
            wrong: "{port['device']}",
            words: &["Traceback", "port.py\", line ", "KeyError: 'device'"],
        },
    ),
    Example::new(
        Toolkit::new("javascript", &["npm", "componentize-qjs"]),
        "npm run build",
        Slip {
            file: "port.js",
            right: "${port.device_id}/remove",
            wrong: "${port.device.id}/remove",
            words: &[
                "cannot read property 'id' of undefined",
                "at delete (/port.js:",
            ],
        },
    ),
    Example::new(
        Toolkit::new("go", &["go", "wit-bindgen", "jco", "make"]),
        "make",
        Slip {
            file: "rule/port.go",
            right: r#"if port.DeviceID == "" {"#,
            wrong: r#"if port.DeviceID != "" {"#,
            words: &["panic: an interface says which router it is of"],
        },
    ),
    Example::new(
        Toolkit::new("c", &["clang", "wasm-ld", "wit-bindgen", "jco", "make"]),
        "make",
        Slip {
            file: "port.c",
            right: r#"string_t router = string_at(port, "/device_id");"#,
            wrong: r#"string_t router = string_at(port, "/device");"#,
            words: &["an interface says which router it is of"],
        },
    ),
];

/// Files by their paths in a folder.
pub(crate) type Files = BTreeMap<PathBuf, Vec<u8>>;

impl Example {
    const fn new(toolkit: Toolkit, build: &'static str, slip: Slip) -> Self {
        Self {
            toolkit,
            build,
            slip,
            rules: OnceLock::new(),
            slipped: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &'static str {
        self.toolkit.name
    }

    /// A folder with the rule pack and this rule, as `port.wasm`.
    pub(crate) fn rules(&self) -> &Path {
        self.rules.get_or_init(|| {
            let component = self.build(self.name(), &self.sources());
            with_the_pack(self.name(), &component)
        })
    }

    /// The component.
    pub(crate) fn component(&self) -> PathBuf {
        self.rules().join("port.wasm")
    }

    /// The copy of its folder in which it was built.
    pub(crate) fn folder(&self) -> PathBuf {
        let _built = self.rules();
        folder(self.name())
    }

    /// The same as `rules`, with the rule that crashes.
    pub(crate) fn slipped(&self) -> &Path {
        self.slipped.get_or_init(|| {
            let Slip {
                file, right, wrong, ..
            } = self.slip;
            let mut sources = self.sources();
            let text = sources.get_mut(Path::new(file)).expect("the file");
            let correct = String::from_utf8_lossy(text).into_owned();
            assert_eq!(correct.matches(right).count(), 1, "{file} has {right}");
            *text = correct.replace(right, wrong).into();
            let name = format!("{}-slipped", self.name());
            if !folder(&name).is_dir() {
                // No dependency has to be compiled twice.
                run(Command::new("cp")
                    .arg("-a")
                    .arg(self.folder())
                    .arg(folder(&name)));
            }
            let component = self.build(&name, &sources);
            with_the_pack(&name, &component)
        })
    }

    fn sources(&self) -> Files {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        sources(&root.join("guest-examples").join(self.name()))
    }

    /// Builds sources as their page says, in a folder of this name, unless that was done before. Returns the component.
    pub(crate) fn build(&self, name: &str, sources: &Files) -> PathBuf {
        let page = String::from_utf8_lossy(&sources[Path::new("README.md")]);
        let mut commands = page.lines().filter_map(|line| line.strip_prefix("    "));
        let build = commands.find(|line| line.starts_with(self.build));
        let build = build.unwrap_or_else(|| panic!("{name} has a page without `{}`", self.build));
        let file = commands.find_map(|line| line.strip_prefix("runner rules check "));
        let file = file.and_then(|line| line.split(' ').next());
        let folder = folder(name);
        let component = folder.join(file.expect("the page names the component"));
        let (stamp, digest) = (folder.with_extension("built"), digest(sources));
        let is_built = std::fs::read_to_string(&stamp).is_ok_and(|it| it == digest);
        if !is_built || !component.is_file() {
            update(&folder, sources);
            run(shell(build).current_dir(&folder));
            write(&stamp, digest.as_bytes());
        }
        component
    }
}

fn folder(name: &str) -> PathBuf {
    toolkit::folder().join("build").join(name)
}

/// A configuration under which every component is compiled to its end. On a machine that others use as well, seconds of a processor do
/// less than on a quiet one, and without optimization Python's components take a hundred of them.
pub(crate) const PATIENT: &str = "[limits]\ncompile_cpu_s_max = 900\n";

/// A folder in which this component stands in for the pack's own rule for ports.
fn with_the_pack(name: &str, component: &Path) -> PathBuf {
    let rules = toolkit::folder().join("rules").join(name);
    let _absent = std::fs::remove_dir_all(&rules);
    for rule in std::fs::read_dir(rule_pack()).expect("the rule pack") {
        let rule = rule.expect("an entry").path();
        write(&rules.join(rule.file_name().expect("a file")), &read(&rule));
    }
    write(&rules.join("port.wasm"), &read(component));
    // Compiled here, once, and kept: trials that run side by side would each compile it.
    let place = Place::unconnected();
    place.write("runner.toml", PATIENT);
    let list = ["rules", "list", "--guests", &*rules.to_string_lossy()];
    place.run(list);
    rules
}

/// Makes the sources in a folder these, and leaves what was built there, so that no dependency is compiled again.
fn update(folder: &Path, sources: &Files) {
    if folder.is_dir() {
        for stale in self::sources(folder).keys() {
            if !sources.contains_key(stale) {
                std::fs::remove_file(folder.join(stale)).expect("a file can be removed");
            }
        }
    }
    for (path, content) in sources {
        let file = folder.join(path);
        if std::fs::read(&file).ok().as_ref() != Some(content) {
            write(&file, content);
        }
    }
}

/// What of a folder is kept in a repository: all that its `.gitignore` does not name.
pub(crate) fn sources(folder: &Path) -> Files {
    let ignored = read(&folder.join(".gitignore"));
    let ignored = String::from_utf8_lossy(&ignored);
    let ignored: Vec<&str> = ignored.lines().map(|line| line.trim_matches('/')).collect();
    let mut sources = Files::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(below) = folders.pop() {
        for entry in std::fs::read_dir(folder.join(&below)).expect("a folder can be read") {
            let name = entry.expect("an entry").file_name();
            let text = name.to_string_lossy();
            let path = below.join(&name);
            if ignored.iter().any(|pattern| matches(pattern, &text)) {
            } else if folder.join(&path).is_dir() {
                folders.push(path);
            } else {
                let content = read(&folder.join(&path));
                sources.insert(path, content);
            }
        }
    }
    sources
}

/// Stands for what a build depends on. The installer is part of it, for it says which versions of the tools there are.
fn digest(sources: &Files) -> String {
    let mut digest = Sha256::new();
    let sources = sources.iter();
    let sources =
        sources.flat_map(|(path, content)| [path.as_os_str().as_encoded_bytes(), content]);
    for part in sources.chain([&include_bytes!("install")[..]]) {
        digest.update(part.len().to_le_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file, and the folders above it.
fn write(path: &Path, content: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
    std::fs::write(path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Runs a command, and fails with all that it says.
fn run(command: &mut Command) {
    let output = command.output().expect("a command can be run");
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

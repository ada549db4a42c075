//! Which way a request takes: straight to its server, through a proxy, or not at all.
//!
//! Pure: who may say what (variables, configuration) is `config`'s affair. The invariant: a proxy is asked for a tunnel, in which it
//! sees neither token nor answer; what goes over plain HTTP, which it could read, goes through no proxy unless the operator says so.
//! A proxy's user and password are shown nowhere.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use url::{Host, Url};

/// The longest list of exceptions that is read, in entries: each request looks at all of them.
const EXEMPTIONS_MAX: usize = 1_000;

/// A proxy's address, with the login it may need.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    url: Url,
    source: String,
}

impl ProxyAddress {
    /// Reads an address: `http://host:port`, `https://host:port`, each with `user:password@` before the host, or `host:port`, which
    /// is spoken to as by `http://`. `source` is who says so, for messages: a variable or a key.
    ///
    /// # Errors
    /// If it is no such address. The message names the source and never shows the text, in which there may be a password.
    pub fn parse(text: &str, source: impl Into<String>) -> Result<Self, String> {
        let source = source.into();
        let text = text.trim();
        let url = if text.contains("://") {
            Url::parse(text)
        } else {
            Url::parse(&format!("http://{text}"))
        };
        let url = url
            .map_err(|_| format!("{source} holds no address of a proxy: write http://host:port"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!(
                "{source} names a proxy of the scheme `{}`, and this runner speaks to http and https proxies only: give one of these",
                url.scheme()
            ));
        }
        let has_more =
            !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
        if url.host_str().is_none_or(str::is_empty) || has_more {
            return Err(format!(
                "{source} holds more or less than the address of a proxy: write http://host:port, with user:password@ before the host \
                 if it wants a login"
            ));
        }
        Ok(Self { url, source })
    }

    /// The address as the client takes it, login included.
    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// Whether there is a login in it.
    pub(super) fn has_login(&self) -> bool {
        !self.url.username().is_empty() || self.url.password().is_some()
    }

    /// Who named it.
    pub(super) fn source(&self) -> &str {
        &self.source
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        write!(f, "{}://{host}", self.url.scheme())?;
        match self.url.port() {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} (by {})", self.source)
    }
}

/// Where no proxy is used: host names, addresses and networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exemptions(Vec<Exemption>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Exemption {
    All,
    Network(IpNet),
    Address(IpAddr, Option<u16>),
    /// The domain and all below it, in small letters and without dots at its ends.
    Domain(String, Option<u16>),
}

impl Exemptions {
    /// Reads a list with commas or white space between, as `NO_PROXY` has it: `*` for everything, addresses, networks
    /// (`10.0.0.0/8`), and domains with all that is below them, with or without a dot or `*.` before. A port may follow, and then only
    /// that one is meant.
    ///
    /// # Errors
    /// If an entry is none of these, or if there are too many.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ', '\t', '\n']);
        let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
        if words.len() > EXEMPTIONS_MAX {
            return Err(format!("holds more than {EXEMPTIONS_MAX} entries"));
        }
        let read = words.into_iter().map(Exemption::parse);
        Ok(Self(read.collect::<Result<_, _>>()?))
    }

    fn holds(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let fits = |given: &Option<u16>| given.is_none() || *given == port;
        let address = address(url);
        let domain = url.domain().map(|it| it.trim_end_matches('.'));
        self.0.iter().any(|exemption| match exemption {
            Exemption::All => true,
            Exemption::Network(network) => address.is_some_and(|it| network.contains(&it)),
            Exemption::Address(one, port) => address == Some(*one) && fits(port),
            Exemption::Domain(above, port) => {
                fits(port) && domain.is_some_and(|it| is_below(it, above))
            }
        })
    }
}

impl Exemption {
    fn parse(word: &str) -> Result<Self, String> {
        if word == "*" {
            return Ok(Self::All);
        }
        if let Ok(network) = word.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = word.parse::<IpAddr>() {
            return Ok(Self::Address(address, None));
        }
        let (host, port) = match word.rsplit_once(':') {
            Some((host, port)) => {
                let port = port.parse().map_err(|_| no_exemption(word))?;
                (host, Some(port))
            }
            None => (word, None),
        };
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        if let Ok(address) = bare.parse::<IpAddr>() {
            return Ok(Self::Address(address, port));
        }
        let domain = host.strip_prefix('*').unwrap_or(host);
        let domain = domain.trim_matches('.').to_ascii_lowercase();
        let is_of_domain = |it: char| it.is_alphanumeric() || matches!(it, '-' | '_' | '.');
        if domain.is_empty() || !domain.chars().all(is_of_domain) {
            return Err(no_exemption(word));
        }
        Ok(Self::Domain(domain, port))
    }
}

fn no_exemption(word: &str) -> String {
    format!("holds `{word}`, which is no host, domain, address, network or `*`")
}

fn is_below(domain: &str, above: &str) -> bool {
    let rest = domain.strip_suffix(above);
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn address(url: &Url) -> Option<IpAddr> {
    match url.host()? {
        Host::Ipv4(address) => Some(IpAddr::V4(address)),
        Host::Ipv6(address) => Some(address.to_canonical()),
        Host::Domain(_) => None,
    }
}

/// Whether a URL leads to this machine. Names are not resolved: `localhost` is one by its name.
pub(super) fn is_loopback(url: &Url) -> bool {
    match address(url) {
        Some(address) => address.is_loopback(),
        None => url
            .domain()
            .map(|it| it.trim_end_matches('.'))
            .is_some_and(|it| is_below(it, "localhost")),
    }
}

/// A proxy that may be used, or why the one that is meant cannot be.
type Chosen = Result<ProxyAddress, String>;

/// Which proxies there are, for what, and for what not. Without any, everything goes straight to its server.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// For URLs with `https`. One that cannot be used is an error only where it would be needed.
    pub https: Option<Chosen>,
    /// For URLs with `http`.
    pub http: Option<Chosen>,
    /// Where none is used.
    pub exempt: Arc<Exemptions>,
    /// Whether requests to this machine itself go through a proxy too.
    pub takes_loopback: bool,
    /// Whether a proxy may read what goes over plain HTTP: tokens, names, answers.
    pub shows_plain: bool,
}

/// The way of one request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// To the server itself.
    Direct,
    /// Through a proxy.
    Through(&'a ProxyAddress),
    /// Nowhere, and why.
    Closed(String),
}

impl Proxies {
    /// One proxy for everything, by the operator's word: loopback addresses too.
    pub fn only(address: ProxyAddress) -> Self {
        Self {
            https: Some(Ok(address.clone())),
            http: Some(Ok(address)),
            takes_loopback: true,
            ..Self::default()
        }
    }

    /// The proxies that can be used.
    pub(super) fn usable(&self) -> impl Iterator<Item = &ProxyAddress> {
        let choices = [&self.https, &self.http].into_iter().flatten();
        choices.filter_map(|choice| choice.as_ref().ok())
    }

    /// Which way a request to this URL takes.
    pub(super) fn route(&self, url: &Url) -> Route<'_> {
        let is_plain = url.scheme() == "http";
        let choice = if is_plain { &self.http } else { &self.https };
        let Some(choice) = choice else {
            return Route::Direct;
        };
        if (is_loopback(url) && !self.takes_loopback) || self.exempt.holds(url) {
            return Route::Direct;
        }
        let host = url.host_str().unwrap_or_default();
        match choice {
            Err(why) => Route::Closed(format!(
                "{why}; or keep {host} out of it with NO_PROXY, or `no_proxy` under [http]"
            )),
            Ok(proxy) if is_plain && !self.shows_plain => Route::Closed(format!(
                "the proxy {proxy} ({}) would read what is sent to {host} over plain HTTP, tokens included: use https there, name {host} \
                 in NO_PROXY or in `no_proxy` under [http], or allow it with `plain_http_through_proxy = true` under [http]",
                proxy.source()
            )),
            Ok(proxy) => Route::Through(proxy),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(text: &str) -> ProxyAddress {
        ProxyAddress::parse(text, "HTTPS_PROXY").unwrap()
    }

    fn proxies(exempt: &str) -> Proxies {
        Proxies {
            https: Some(Ok(proxy("http://secure.example:3128"))),
            http: Some(Ok(proxy("http://plain.example:3128"))),
            exempt: Arc::new(Exemptions::parse(exempt).unwrap()),
            ..Proxies::default()
        }
    }

    fn goes_direct(exempt: &str, url: &str) -> bool {
        proxies(exempt).route(&url.parse().unwrap()) == Route::Direct
    }

    #[test]
    fn addresses_are_read_with_and_without_a_scheme() {
        for (text, shown) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            (" https://proxy.example/ ", "https://proxy.example"),
            ("proxy.example:3128", "http://proxy.example:3128"),
            ("10.0.0.1", "http://10.0.0.1"),
            ("http://[::1]:3128", "http://[::1]:3128"),
            (
                "http://ann:pa%40ss@proxy.example:3128",
                "http://proxy.example:3128",
            ),
        ] {
            assert_eq!(proxy(text).to_string(), shown, "{text}");
        }
    }

    #[test]
    fn a_login_is_shown_nowhere() {
        let with_login = "http://ann:s3cret@proxy.example:3128";
        let shown = proxy(with_login);
        assert!(shown.has_login());
        let proxies = Proxies {
            http: Some(Ok(shown.clone())),
            ..Proxies::default()
        };
        let url = "http://keystone.example/".parse().unwrap();
        let said = format!("{shown} {shown:?} {proxies:?} {:?}", proxies.route(&url));
        assert!(!said.contains("s3cret") && !said.contains("ann"), "{said}");
        for text in [
            "socks5://ann:s3cret@proxy.example",
            "http://ann:s3cret@proxy.example/path",
            "http://ann:s3cret@",
            "http://ann:s3cret@proxy example",
            "ann:s3cret",
        ] {
            let why = ProxyAddress::parse(text, "ALL_PROXY").unwrap_err();
            assert!(
                why.contains("ALL_PROXY") && !why.contains("s3cret"),
                "{why}"
            );
        }
    }

    #[test]
    fn exceptions_are_hosts_domains_addresses_and_networks() {
        for (exempt, url, expected) in [
            ("", "https://a.example/", false),
            ("*", "https://a.example/", true),
            ("a.example", "https://a.example/", true),
            ("a.example", "https://b.a.example/", true),
            (".a.example", "https://a.example/", true),
            ("*.a.example", "https://b.a.example/", true),
            ("a.example", "https://ba.example/", false),
            ("A.Example.", "https://a.example./", true),
            ("b.example, a.example", "https://a.example/", true),
            ("b.example a.example", "https://a.example/", true),
            ("a.example:5000", "https://a.example:5000/", true),
            ("a.example:5000", "https://a.example/", false),
            ("a.example:443", "https://a.example/", true),
            ("10.0.0.7", "https://10.0.0.7/", true),
            ("10.0.0.7", "https://10.0.0.70/", false),
            ("10.0.0.0/8", "https://10.1.2.3/", true),
            ("10.1.2.3/8", "https://10.9.9.9/", true),
            ("10.0.0.0/8", "https://11.0.0.1/", false),
            ("10.0.0.0/8", "https://10.example/", false),
            ("fd00::/8", "https://[fd00::1]/", true),
            ("[fd00::1]:5000", "https://[fd00::1]:5000/", true),
            ("fd00::1", "https://[fd00::2]/", false),
        ] {
            assert_eq!(goes_direct(exempt, url), expected, "{exempt} {url}");
        }
        for exempt in [
            "a.example:https",
            "http://a.example",
            "a/b",
            "10.0.0.0/33",
            "*a*",
        ] {
            assert!(Exemptions::parse(exempt).is_err(), "{exempt}");
        }
    }

    #[test]
    fn this_machine_is_reached_straight_unless_said() {
        for url in [
            "https://localhost:5000/",
            "https://api.localhost./",
            "https://127.0.0.1/",
            "https://127.9.9.9/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "http://127.0.0.1/",
        ] {
            assert!(goes_direct("", url), "{url}");
            let said = Proxies {
                shows_plain: true,
                ..Proxies::only(proxy("http://proxy.example"))
            };
            let route = said.route(&url.parse().unwrap());
            assert!(matches!(route, Route::Through(_)), "{url}");
        }
        assert!(!goes_direct("", "https://localhost.example/"));
        assert!(!goes_direct("", "https://notlocalhost/"));
    }

    #[test]
    fn plain_http_goes_through_a_proxy_by_the_operators_word_only() {
        let url: Url = "http://keystone.example:5000/v3".parse().unwrap();
        let mut proxies = proxies("");
        let Route::Closed(why) = proxies.route(&url) else {
            panic!("it would be read");
        };
        for words in [
            "http://plain.example:3128",
            "keystone.example",
            "plain_http_through_proxy",
        ] {
            assert!(why.contains(words), "{why}");
        }
        proxies.shows_plain = true;
        assert_eq!(
            proxies.route(&url),
            Route::Through(&proxy("http://plain.example:3128"))
        );
    }

    #[test]
    fn a_proxy_that_cannot_be_used_closes_the_ways_that_need_it() {
        let proxies = Proxies {
            https: Some(ProxyAddress::parse("socks5://proxy.example", "ALL_PROXY")),
            exempt: Arc::new(Exemptions::parse("b.example").unwrap()),
            ..Proxies::default()
        };
        let route = |url: &str| format!("{:?}", proxies.route(&url.parse().unwrap()));
        assert!(route("https://a.example/").contains("ALL_PROXY"));
        assert_eq!(route("https://b.example/"), "Direct");
        assert_eq!(route("https://127.0.0.1/"), "Direct");
        assert_eq!(route("http://a.example/"), "Direct");
    }
}

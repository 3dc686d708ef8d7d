//! Options and environment variables, following the rules of huggingface_hub's `constants.py`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use ureq::Proxy;
use ureq::http::Uri;

use super::error::HubError;
use crate::http::HttpProxy;

const DEFAULT_ENDPOINT: &str = "https://huggingface.co";
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(10);

/// Options for downloading from the hub. The defaults come from environment variables, as in
/// Python's `huggingface_hub`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubOptions {
    /// A branch, a tag, a commit or `refs/pr/NUMBER`; `None` means `main`. Only a commit is sure to
    /// stay the same.
    pub revision: Option<String>,
    /// Whether to use the pull request of the hub's own converter if `main` has only pickled
    /// weights, as [`Encoder::from_hub`](crate::Encoder::from_hub) explains. If you give a
    /// revision, that revision is always used.
    pub follow_conversion: bool,
    /// The cache folder; `None` means `HF_HUB_CACHE`, else `HF_HOME/hub`, else
    /// `huggingface/hub` in `XDG_CACHE_HOME` or `~/.cache`.
    pub cache: Option<PathBuf>,
    /// The hub's address; `None` means `HF_ENDPOINT`, else `https://huggingface.co`.
    pub endpoint: Option<String>,
    /// The access token to send.
    pub token: HubToken,
    /// Whether to use only the cache; `None` means that `HF_HUB_OFFLINE` decides.
    pub offline: Option<bool>,
    /// The proxy to connect through.
    pub proxy: HttpProxy,
    /// How long to wait for a connection, for an answer and for each piece of it; `None` means
    /// `HF_HUB_DOWNLOAD_TIMEOUT` in seconds, else 10 seconds.
    pub timeout: Option<Duration>,
    /// How often a failed request is retried. For a download, the count starts again whenever bytes
    /// arrive.
    pub retries: u32,
    /// The wait before the first retry; it doubles each time. If the server asks for a wait of up
    /// to a minute, that wait is used.
    pub retry_wait: Duration,
}

impl Default for HubOptions {
    fn default() -> Self {
        Self {
            revision: None,
            follow_conversion: true,
            cache: None,
            endpoint: None,
            token: HubToken::default(),
            offline: None,
            proxy: HttpProxy::default(),
            timeout: None,
            retries: 4,
            retry_wait: Duration::from_millis(500),
        }
    }
}

/// The access token of a hub user. It is sent only to the endpoint, never to another host that the
/// endpoint redirects to.
#[derive(Clone, Default, PartialEq, Eq)]
pub enum HubToken {
    /// `HF_TOKEN`, else the contents of the file `HF_TOKEN_PATH` or `HF_HOME/token`, where
    /// `hf auth login` stores it. None of these is used if `HF_HUB_DISABLE_IMPLICIT_TOKEN` is set.
    #[default]
    Environment,
    /// No token.
    None,
    /// This token.
    Given(String),
}

impl fmt::Debug for HubToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::None => "None",
            Self::Given(_) => "Given(..)",
        })
    }
}

/// A token that can be sent but not printed.
#[derive(Clone)]
pub(super) struct Secret(String);

impl Secret {
    pub(super) fn authorization(&self) -> String {
        format!("Bearer {}", self.0)
    }
}

/// The options with all defaults filled in.
pub(super) struct Settings {
    pub(super) cache: PathBuf,
    pub(super) endpoint: Uri,
    pub(super) token: Option<Secret>,
    pub(super) offline: bool,
    pub(super) symlinks: bool,
    pub(super) proxy: Option<Proxy>,
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) retry_wait: Duration,
}

impl Settings {
    pub(super) fn new(options: &HubOptions) -> Result<Self, HubError> {
        let environment =
            Environment { variable: &|name| std::env::var_os(name), home: std::env::home_dir() };
        environment.settings(options)
    }
}

struct Environment<'a> {
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    home: Option<PathBuf>,
}

impl Environment<'_> {
    fn settings(&self, options: &HubOptions) -> Result<Settings, HubError> {
        let cache = match &options.cache {
            Some(cache) => cache.clone(),
            None => match self.path("HF_HUB_CACHE").or(self.path("HUGGINGFACE_HUB_CACHE")) {
                Some(cache) => cache,
                None => self.hf_home()?.join("hub"),
            },
        };
        let endpoint = match &options.endpoint {
            Some(endpoint) => endpoint.clone(),
            None => self.text("HF_ENDPOINT").unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned()),
        };
        let proxy = options.proxy.resolve().map_err(|problem| invalid("proxy", &problem))?;
        let timeout = options.timeout.or_else(|| {
            let seconds = self.text("HF_HUB_DOWNLOAD_TIMEOUT")?.parse().ok()?;
            (seconds > 0).then(|| Duration::from_secs(seconds))
        });
        Ok(Settings {
            cache,
            endpoint: parse_endpoint(&endpoint)?,
            token: self.token(&options.token)?,
            offline: options.offline.unwrap_or_else(|| {
                let value = self.text("HF_HUB_OFFLINE");
                value.or(self.text("TRANSFORMERS_OFFLINE")).is_some_and(|v| is_true(&v))
            }),
            symlinks: !self.flag("HF_HUB_DISABLE_SYMLINKS"),
            proxy,
            timeout: timeout.unwrap_or(DEFAULT_TIMEOUT),
            retries: options.retries,
            retry_wait: options.retry_wait,
        })
    }

    fn hf_home(&self) -> Result<PathBuf, HubError> {
        if let Some(home) = self.path("HF_HOME") {
            return Ok(home);
        }
        let cache = self.path("XDG_CACHE_HOME").or(self.home.as_ref().map(|h| h.join(".cache")));
        match cache {
            Some(cache) => Ok(cache.join("huggingface")),
            None => Err(invalid("HF_HOME", "it is not set, and there is no home folder")),
        }
    }

    fn token(&self, token: &HubToken) -> Result<Option<Secret>, HubError> {
        match token {
            HubToken::None => Ok(None),
            HubToken::Given(token) => clean_token("token", token),
            HubToken::Environment if self.flag("HF_HUB_DISABLE_IMPLICIT_TOKEN") => Ok(None),
            HubToken::Environment => {
                if let Some(token) = self.text("HF_TOKEN").or(self.text("HUGGING_FACE_HUB_TOKEN")) {
                    return clean_token("HF_TOKEN", &token);
                }
                let path = match self.path("HF_TOKEN_PATH") {
                    Some(path) => path,
                    None => match self.hf_home() {
                        Ok(home) => home.join("token"),
                        // If `HF_HUB_CACHE` is set, nothing else needs a home folder.
                        Err(_) => return Ok(None),
                    },
                };
                match std::fs::read_to_string(&path) {
                    Ok(token) => clean_token("the token file", &token),
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(HubError::read(&path)(error)),
                }
            }
        }
    }

    fn text(&self, name: &str) -> Option<String> {
        (self.variable)(name)?.into_string().ok().filter(|value| !value.is_empty())
    }

    /// Expands `~` to the home folder, since no shell does so if a variable comes from a file.
    fn path(&self, name: &str) -> Option<PathBuf> {
        let path = PathBuf::from((self.variable)(name).filter(|value| !value.is_empty())?);
        match (path.strip_prefix("~"), &self.home) {
            (Ok(below), Some(home)) => Some(home.join(below)),
            _ => Some(path),
        }
    }

    fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| is_true(&value))
    }
}

fn is_true(value: &str) -> bool {
    ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str())
}

fn clean_token(name: &'static str, token: &str) -> Result<Option<Secret>, HubError> {
    let token = token.replace(['\r', '\n'], "").trim().to_owned();
    if !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err(invalid(name, "it contains a character that no token has"));
    }
    Ok((!token.is_empty()).then_some(Secret(token)))
}

/// Parses scheme, host and path, and removes a trailing slash.
fn parse_endpoint(endpoint: &str) -> Result<Uri, HubError> {
    let uri: Option<Uri> = endpoint.trim_end_matches('/').parse().ok();
    uri.filter(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https"))
            && uri.host().is_some_and(|host| !host.is_empty())
            && uri.query().is_none()
            && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'))
    })
    .ok_or_else(|| invalid("HF_ENDPOINT", "it is not an address like https://huggingface.co"))
}

fn invalid(name: &'static str, problem: &str) -> HubError {
    HubError::InvalidSetting { name, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn settings_with(
        variables: &[(&str, &str)],
        options: &HubOptions,
    ) -> Result<Settings, HubError> {
        let variables: Vec<_> =
            variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        let environment = Environment {
            variable: &|wanted| {
                let found = variables.iter().find(|(name, _)| name == wanted);
                found.map(|(_, value)| value.into())
            },
            home: Some("/home/ana".into()),
        };
        environment.settings(&HubOptions { proxy: HttpProxy::Direct, ..options.clone() })
    }

    fn settings(variables: &[(&str, &str)]) -> Settings {
        settings_with(variables, &HubOptions::default()).unwrap()
    }

    #[test]
    fn the_cache_is_where_huggingface_hub_has_it() {
        for (variables, expected) in [
            (&[][..], "/home/ana/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/x")], "/x/huggingface/hub"),
            (&[("HF_HOME", "/h"), ("XDG_CACHE_HOME", "/x")], "/h/hub"),
            (&[("HF_HOME", "~/hf")], "/home/ana/hf/hub"),
            (&[("HF_HOME", "")], "/home/ana/.cache/huggingface/hub"),
            (&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/h")], "/old"),
            (&[("HF_HUB_CACHE", "/c"), ("HUGGINGFACE_HUB_CACHE", "/old")], "/c"),
        ] {
            assert_eq!(settings(variables).cache, Path::new(expected), "{variables:?}");
        }
        let options = HubOptions { cache: Some("/mine".into()), ..HubOptions::default() };
        let found = settings_with(&[("HF_HUB_CACHE", "/c")], &options).unwrap();
        assert_eq!(found.cache, Path::new("/mine"));
    }

    #[test]
    fn flags_are_true_by_the_words_of_huggingface_hub() {
        for (value, expected) in [
            ("1", true),
            ("ON", true),
            ("yes", true),
            ("True", true),
            ("0", false),
            ("", false),
            ("off", false),
            ("2", false),
        ] {
            assert_eq!(settings(&[("HF_HUB_OFFLINE", value)]).offline, expected, "{value}");
        }
        assert!(settings(&[("TRANSFORMERS_OFFLINE", "1")]).offline);
        let online = HubOptions { offline: Some(false), ..HubOptions::default() };
        assert!(!settings_with(&[("HF_HUB_OFFLINE", "1")], &online).unwrap().offline);
    }

    fn token(variables: &[(&str, &str)]) -> Option<String> {
        settings(variables).token.map(|secret| secret.authorization())
    }

    #[test]
    fn the_token_is_found_where_huggingface_hub_finds_it() {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_str().unwrap();
        std::fs::write(folder.path().join("token"), "hf_file\n").unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::fs::write(&elsewhere, " hf_else ").unwrap();
        let elsewhere = elsewhere.to_str().unwrap();

        assert_eq!(token(&[]), None);
        assert_eq!(token(&[("HF_TOKEN", " hf_env\n")]).as_deref(), Some("Bearer hf_env"));
        assert_eq!(token(&[("HF_HOME", home)]).as_deref(), Some("Bearer hf_file"));
        let both = [("HF_HOME", home), ("HF_TOKEN", "hf_env")];
        assert_eq!(token(&both).as_deref(), Some("Bearer hf_env"));
        let path = [("HF_HOME", home), ("HF_TOKEN_PATH", elsewhere)];
        assert_eq!(token(&path).as_deref(), Some("Bearer hf_else"));
        let disabled = [("HF_TOKEN", "hf_env"), ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")];
        assert_eq!(token(&disabled), None);
        let given =
            HubOptions { token: HubToken::Given("hf_given".to_owned()), ..HubOptions::default() };
        assert!(settings_with(&disabled, &given).unwrap().token.is_some());
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_showing_it() {
        for (name, value) in [
            ("HF_TOKEN", "hf_se\u{1}cret"),
            ("HF_TOKEN", "hf_secr\u{e9}t"),
            ("HF_ENDPOINT", "huggingface.co/secret"),
            ("HF_ENDPOINT", "ftp://secret"),
            ("HF_ENDPOINT", "https://secret?x=1"),
            ("HF_ENDPOINT", "http://"),
            ("HF_ENDPOINT", "https://ana:secret@mirror.example"),
        ] {
            let error = settings_with(&[(name, value)], &HubOptions::default()).err();
            let message = error.unwrap().to_string();
            assert!(message.contains(name) && !message.contains("sec"), "{message}");
        }
        let options = HubOptions {
            token: HubToken::Given("hf_secret".to_owned()),
            proxy: HttpProxy::Url("http://ana:secret@proxy".to_owned()),
            ..HubOptions::default()
        };
        let shown = format!("{options:?}");
        assert!(!shown.contains("secret"), "{shown}");
    }
}

//! Opens checkpoints from the Hugging Face Hub.

use super::encoder::Encoder;
use super::error::EncodeError;
use super::hub::{HubOptions, HubSnapshot, download};
use super::options::EncoderOptions;
use crate::progress::Progress;

impl Encoder {
    /// Opens a checkpoint from the Hugging Face Hub, downloading the files that are not in the
    /// cache.
    ///
    /// `revision` is a branch, a tag, a commit or `refs/pr/NUMBER`; the default is `main`. It is
    /// resolved to a commit once, all files are taken from that commit, and [`Encoder::name`] is
    /// `repo@commit`. A commit whose files are all in the cache is opened without using the
    /// network. If the hub cannot be reached, the cached version of the branch is opened.
    ///
    /// If no revision is given and `main` has no safetensors, all files are taken from the open
    /// pull request in which the hub's own converter (the user `SFconvertbot`) adds safetensors.
    /// Pickled weights could run any code, and transformers uses this pull request too.
    /// `openai/clip-vit-base-patch32` is such a repository. [`HubSnapshot::revision`] then names
    /// the pull request, and the commit in the name is that of the pull request. The author of the
    /// pull request is checked whenever the hub is asked. Without the hub, the pull request that is
    /// complete in the cache is opened, if there is exactly one. If you give a revision, that
    /// revision is always used. [`HubOptions::follow_conversion`] turns this behaviour off.
    ///
    /// ```no_run
    /// use pixelplay_core::Encoder;
    ///
    /// let encoder = Encoder::from_hub("openai/clip-vit-large-patch14", None)?;
    /// println!("{} has {} dimensions", encoder.name(), encoder.dim());
    /// # Ok::<(), pixelplay_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// See [`download`] and [`Encoder::open_with`].
    pub fn from_hub(repo: &str, revision: Option<&str>) -> Result<Self, EncodeError> {
        let options = HubOptions { revision: revision.map(str::to_owned), ..HubOptions::default() };
        Self::from_hub_with(repo, &options, EncoderOptions::default(), &mut ())
    }

    /// Opens a checkpoint from the Hugging Face Hub, with options and progress reports.
    ///
    /// # Errors
    /// See [`download`] and [`Encoder::open_with`].
    pub fn from_hub_with(
        repo: &str,
        hub: &HubOptions,
        options: EncoderOptions,
        progress: &mut dyn Progress,
    ) -> Result<Self, EncodeError> {
        download(repo, hub, progress)?.open(options)
    }
}

impl HubSnapshot {
    /// Opens the checkpoint; [`Encoder::name`] is `repo@commit`.
    ///
    /// # Errors
    /// See [`Encoder::open_with`].
    pub fn open(&self, options: EncoderOptions) -> Result<Encoder, EncodeError> {
        let name = format!("{}@{}", self.repo, self.commit);
        Encoder::open_named(&self.dir, name, options)
    }
}

//! Requests that the hub refuses, and which hosts get the token.

use pixelplay_core::encoder::hub::{HubError, HubOptions, HubToken, download};
use pixelplay_core::{EncodeError, Encoder, EncoderOptions, HttpProxy};

use crate::fake_hub::{File, TOKEN};
use crate::server::{Manners, Reply, Server};
use crate::{REPO, Scene, explain, tree};

fn with_token(scene: &Scene, token: &str) -> HubOptions {
    HubOptions { token: HubToken::Given(token.to_owned()), ..scene.options() }
}

#[test]
fn a_private_repository_needs_the_right_token() {
    let scene = Scene::new();
    scene.hub.change(|world| world.is_private = true);
    let message = scene.fails();
    for expected in ["refuses access to org/clip (401)", "set HF_TOKEN", "/org/clip"] {
        assert!(message.contains(expected), "{message}");
    }
    let error = scene.get_with(&with_token(&scene, "hf_wrong")).unwrap_err();
    let message = explain(&error);
    assert!(message.contains("was not accepted"), "{message}");
    assert!(!format!("{error:?}{message}").contains("hf_wrong"));
    scene.get_with(&with_token(&scene, TOKEN)).unwrap();
}

#[test]
fn the_token_goes_to_the_hub_alone() {
    let scene = Scene::new();
    scene.get_with(&with_token(&scene, TOKEN)).unwrap();
    let told = |server: &Server| {
        let asked = server.requests();
        assert!(!asked.is_empty());
        asked.iter().filter(|r| r.header("authorization").is_some()).count() == asked.len()
    };
    assert!(told(&scene.hub.hub), "the token is sent along redirects within the hub");
    for request in scene.hub.cdn.requests() {
        let shown = format!("{request:?}");
        assert!(!shown.contains(TOKEN) && !shown.to_lowercase().contains("authorization"));
    }
}

#[test]
fn a_repository_that_does_not_exist_is_named() {
    let scene = Scene::new();
    let get = |options: &HubOptions| download("org/clap", options, &mut ()).unwrap_err();
    // Without a token, the hub does not reveal whether the repository is missing or private.
    let error = get(&scene.options());
    assert!(matches!(error, HubError::Refused { status: 401, .. }), "{error:?}");
    let error = get(&with_token(&scene, TOKEN));
    assert!(matches!(error, HubError::RepoNotFound { .. }), "{error:?}");
    assert!(explain(&error).contains("no repository org/clap"));
    let (options, model) = (with_token(&scene, TOKEN), EncoderOptions::default());
    let opened = Encoder::from_hub_with("org/clap", &options, model, &mut ());
    assert!(matches!(opened, Err(EncodeError::Hub(HubError::RepoNotFound { .. }))), "{opened:?}");
    // A missing repository leaves nothing in the cache.
    assert!(tree(scene.cache.path()).is_empty());
}

#[test]
fn a_gated_repository_says_where_to_ask() {
    let scene = Scene::new();
    scene.hub.fault(|_, _| Reply::new(403).with("X-Error-Code", "GatedRepo"));
    let message = scene.fails();
    assert!(message.contains("(403)") && message.contains("ask for access on"), "{message}");
}

#[test]
fn a_revision_that_does_not_exist_is_named() {
    let scene = Scene::new();
    let options = HubOptions { revision: Some("v9".to_owned()), ..scene.options() };
    let message = explain(&scene.get_with(&options).unwrap_err());
    assert!(message.contains("no revision \"v9\""), "{message}");
}

#[test]
fn a_repository_without_a_needed_file_is_refused_by_name() {
    for (at, file) in [(0, "config.json"), (1, "preprocessor_config.json"), (2, "tokenizer.json")] {
        let scene = Scene::new();
        scene.hub.change(|world| {
            world.files.remove(at);
        });
        let message = scene.fails();
        assert!(message.contains(&format!("has no {file}")), "{message}");
        assert_eq!(scene.hub.cdn.requests().len(), 0, "the weights come last");
    }
}

#[test]
fn weights_that_are_only_pickled_are_not_downloaded() {
    let scene = Scene::new();
    scene.hub.change(|world| {
        world.files.remove(3);
    });
    let message = scene.fails();
    for expected in ["Python pickle (pytorch_model.bin)", "refs/pr/NUMBER"] {
        assert!(message.contains(expected), "{message}");
    }
    assert_eq!(scene.hub.cdn.requests().len(), 0);

    scene.hub.change(|world| world.files.retain(|file| !file.name.ends_with(".bin")));
    let message = scene.fails();
    assert!(message.contains("has no model.safetensors"), "{message}");
}

#[test]
fn names_that_could_leave_the_cache_are_refused_before_anything_is_asked() {
    let scene = Scene::new();
    for repo in ["../../etc", "a/../b", "", "a/b/c", "a\\b", "http://x/y", "a b", "-x"] {
        let error = download(repo, &scene.options(), &mut ()).unwrap_err();
        assert!(matches!(error, HubError::InvalidRepo { .. }), "{repo}");
        assert!(explain(&error).contains("openai/clip-vit-base-patch32"));
    }
    for revision in ["../../x", "/etc", "a//b", "", "a\nb", "a?b", "..", "a/.."] {
        let options = HubOptions { revision: Some(revision.to_owned()), ..scene.options() };
        let error = scene.get_with(&options).unwrap_err();
        assert!(matches!(error, HubError::InvalidRevision { .. }), "{revision}");
    }
    assert!(scene.hub.hub.requests().is_empty());
    assert!(tree(scene.cache.path()).is_empty());
}

#[test]
fn a_list_of_shards_cannot_name_other_files() {
    let scene = Scene::new();
    scene.hub.change(|world| {
        let index = r#"{"weight_map": {"a": "../../../../escaped.safetensors"}}"#;
        world.files[3] = File::new("model.safetensors.index.json", index);
    });
    let error = download(REPO, &scene.options(), &mut ()).unwrap_err();
    assert!(matches!(error, HubError::BadJson { .. }), "{error:?}");
    assert!(explain(&error).contains("not a plain file name"), "{error:?}");
}

#[test]
fn a_proxy_is_gone_through() {
    let scene = Scene::new();
    let proxy = Server::start({
        let (hub, cdn) = (scene.hub.hub.address, scene.hub.cdn.address);
        move |request| {
            let to_cdn = request.target.contains(&cdn.to_string());
            let to = if to_cdn { cdn } else { hub };
            Reply::new(200).sent(Manners::Tunnel(to))
        }
    });
    let options = HubOptions { proxy: HttpProxy::Url(proxy.url()), ..scene.options() };
    scene.get_with(&options).unwrap();
    let asked = proxy.requests();
    assert!(asked.iter().any(|r| r.target.contains(&scene.hub.hub.address.to_string())));
    assert!(asked.iter().any(|r| r.target.contains(&scene.hub.cdn.address.to_string())));
    assert!(asked.iter().all(|r| r.method == "CONNECT"), "{asked:?}");

    let nowhere = HubOptions {
        proxy: HttpProxy::Url("http://127.0.0.1:9".to_owned()),
        ..Scene::new().options()
    };
    assert!(download(REPO, &nowhere, &mut ()).is_err());
}

#[test]
fn the_host_of_large_files_is_not_taken_for_the_hub() {
    for status in [401, 403, 404, 410] {
        let scene = Scene::new();
        scene.hub.fault(move |request, reply| match request.target.contains("signature") {
            true => Reply::new(status).with("X-Error-Code", "RepoNotFound"),
            false => reply,
        });
        let message = scene.fails();
        assert!(message.contains(&format!("HTTP status {status}")), "{message}");
        assert!(!message.contains("secret"), "the address lacks its signature: {message}");
    }
}

#[test]
fn only_the_hub_itself_can_say_that_a_file_does_not_exist_for_good() {
    let scene = Scene::new();
    scene.hub.fault(|request, reply| match request.target.contains("preprocessor") {
        true => Reply::new(404).body("a page of some proxy"),
        false => reply,
    });
    assert!(scene.fails().contains("has no preprocessor_config.json"));
    scene.hub.heal();
    scene.get().unwrap();
}

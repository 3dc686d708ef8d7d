//! Compares the tokenizer with openai/CLIP's published results, and tests edge cases.

use std::io::Read;
use std::path::Path;

use pixelplay_core::Encoder;
use serde_json::{Map, Value, json};

use crate::checkpoints::Checkpoint;
use crate::{fixture, shared};

/// openai/CLIP's vocabulary (`clip/simple_tokenizer.py`): 256 bytes, the same bytes at the end of a
/// word, one token for each merge, and two special tokens.
fn clip_vocabulary(merges: &[&str]) -> Map<String, Value> {
    // As in GPT-2's table, printable Latin-1 characters represent themselves, and other bytes are
    // mapped above 255.
    let printable = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let moved = (0..256).filter(|&byte| !printable(byte));
    let bytes: Vec<char> = (0..256)
        .filter(|&byte| printable(byte))
        .chain((256..).zip(moved).map(|(code, _)| code))
        .map(|code| char::from_u32(code).unwrap())
        .collect();
    let tokens = (bytes.iter().map(char::to_string))
        .chain(bytes.iter().map(|byte| format!("{byte}</w>")))
        .chain(merges.iter().map(|merge| merge.replace(' ', "")))
        .chain(["<|startoftext|>".to_owned(), "<|endoftext|>".to_owned()]);
    tokens.enumerate().map(|(id, token)| (token, id.into())).collect()
}

/// A tiny checkpoint with the real vocabulary in `vocab.json` and `merges.txt`.
fn clip_encoder() -> Option<Encoder> {
    let path = shared("tokenizer/bpe_simple_vocab_16e6.txt.gz")?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(std::fs::File::open(path).unwrap())
        .read_to_string(&mut text)
        .unwrap();
    let merges: Vec<&str> = text.lines().skip(1).take(48_894).collect();
    let vocabulary = clip_vocabulary(&merges);
    assert_eq!(vocabulary.len(), 49_408);

    let mut config = Checkpoint::small().config;
    config["text_config"]["vocab_size"] = 49_408.into();
    config["text_config"]["max_position_embeddings"] = 77.into();
    config["text_config"]["eos_token_id"] = 49_407.into();
    config["text_config"]["hidden_size"] = 8.into();
    let dir = Checkpoint::new("clip", &config, safetensors::Dtype::F32).write();
    let write = |file: &str, text: String| std::fs::write(dir.path().join(file), text).unwrap();
    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    write("vocab.json", Value::Object(vocabulary).to_string());
    write("merges.txt", format!("#version: 0.2\n{}\n", merges.join("\n")));
    Some(Encoder::open(dir.path()).unwrap())
}

#[test]
fn known_answers_of_openai_clip_are_met() {
    let (Some(encoder), Some(path)) = (clip_encoder(), shared("reference/reference_values.json"))
    else {
        return;
    };
    let known: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let ids = |list: &Value| -> Vec<u32> { serde_json::from_value(list.clone()).unwrap() };

    let notebook = &known["openai_clip_tokenize"];
    assert_eq!(
        encoder.tokenize(notebook["text"].as_str().unwrap()).unwrap(),
        ids(&notebook["ids_then_zero_padded_to_77"])
    );
    let mut seen = 0;
    for (text, inner) in known["clip_bpe_js_readme"]["encode"].as_object().unwrap() {
        let expected = [&[49_406][..], &ids(inner), &[49_407]].concat();
        assert_eq!(encoder.tokenize(text).unwrap(), expected, "{text}");
        seen += 1;
    }
    assert!(seen >= 4);
}

/// Written by `../parity/make_tokens.py`.
#[derive(serde::Deserialize)]
struct Tokens {
    made_with: String,
    /// A text and its ids.
    texts: Vec<(String, Vec<u32>)>,
}

fn tokens() -> Tokens {
    serde_json::from_slice(&std::fs::read(fixture("tokens.json")).unwrap()).unwrap()
}

#[test]
fn texts_of_many_scripts_have_the_ids_that_transformers_gives() {
    let Some(encoder) = clip_encoder() else {
        return;
    };
    let Tokens { made_with, texts } = tokens();
    let wrong: Vec<String> = texts
        .iter()
        .filter_map(|(text, expected)| {
            let found = encoder.tokenize(text).unwrap();
            (found != *expected).then(|| format!("{text:?}: {found:?}, not {expected:?}"))
        })
        .collect();
    let (count, cut) = (texts.len(), texts.iter().filter(|t| t.1.len() == 77).count());
    eprintln!("{count} texts, {cut} of them cut to 77 tokens, match {made_with}");
    assert!(wrong.is_empty(), "{} differ: {wrong:#?}", wrong.len());
    assert!(count >= 600 && cut >= 8);
}

#[cfg(feature = "mini")]
mod properties {
    use super::*;
    use proptest::prelude::*;

    thread_local! {
        static MINI: Encoder = Encoder::mini().unwrap();
    }

    proptest! {
        #[test]
        fn any_text_has_one_start_and_one_end_and_fits_the_context(text in any::<String>()) {
            let (ids, again, empty) = MINI.with(|mini| {
                let tokenize = |text: &str| mini.tokenize(text).unwrap();
                (tokenize(&text), tokenize(&format!("  {text}\n")), tokenize(""))
            });
            let (start, end) = (empty[0], empty[1]);
            prop_assert!((2..=77).contains(&ids.len()));
            prop_assert_eq!((ids[0], ids[ids.len() - 1]), (start, end));
            prop_assert!(!ids[1..ids.len() - 1].contains(&start));
            // White space around a text is ignored.
            prop_assert_eq!(ids, again);
        }

        #[test]
        fn a_text_that_is_cut_keeps_its_beginning(words in prop::collection::vec("[a-z]{1,9}", 1..200)) {
            let (whole, first) = MINI.with(|mini| {
                let first = words[..words.len().min(8)].join(" ");
                (mini.tokenize(&words.join(" ")).unwrap(), mini.tokenize(&first).unwrap())
            });
            let inner = &first[1..first.len() - 1];
            let seen = inner.len().min(75);
            prop_assert_eq!(&whole[1..=seen], &inner[..seen]);
        }
    }
}

#[test]
fn clip_text_is_lower_cased_and_its_white_space_collapsed() {
    let Some(encoder) = clip_encoder() else {
        return;
    };
    let tokenize = |text: &str| encoder.tokenize(text).unwrap();
    assert_eq!(tokenize(""), [49_406, 49_407]);
    assert_eq!(tokenize(" \t\n "), [49_406, 49_407]);
    assert_eq!(tokenize("  Rainy\n\tNIGHT "), tokenize("rainy night"));
    // NFC: a letter with a combining accent equals the accented letter.
    assert_eq!(tokenize("cafe\u{301}"), tokenize("caf\u{e9}"));
    // Byte-level BPE has no unknown characters.
    for text in ["\u{1f3b8}\u{1f3b6}", "\u{0}", "\u{96e8}\u{306e}\u{591c}", "<|endoftext|>"] {
        let ids = tokenize(text);
        assert_eq!((ids[0], *ids.last().unwrap()), (49_406, 49_407), "{text:?}");
        encoder.encode_text(text).unwrap();
    }
    let long = tokenize(&"music ".repeat(1_000));
    assert_eq!(long.len(), 77);
    assert_eq!(*long.last().unwrap(), 49_407);
    assert!(long[1..76].iter().all(|&id| id == tokenize("music")[1]));
}

#[test]
fn the_end_token_is_kept_whatever_the_file_says_about_truncation() {
    // The small checkpoint's tokenizer.json asks for three tokens and for padding to 16.
    let encoder = Checkpoint::small().open();
    let tokenize = |text: &str| encoder.tokenize(text).unwrap();
    assert_eq!(tokenize(""), [62, 63]);
    assert_eq!(tokenize("w5 W6 w7"), [62, 5, 6, 7, 63]);
    let words: Vec<String> = (0..40).map(|id| format!("w{id}")).collect();
    let mut expected: Vec<u32> = (0..14).collect();
    expected.insert(0, 62);
    expected.push(63);
    assert_eq!(tokenize(&words.join(" ")), expected);
    // The shortest text that is cut, and the longest that is not.
    assert_eq!(tokenize(&words[..14].join(" ")), expected);
    assert_eq!(tokenize(&words[..15].join(" ")), expected);
}

#[test]
fn a_tokenizer_that_does_not_fit_the_model_is_refused() {
    let refused = |change: fn(&mut Checkpoint)| {
        let mut checkpoint = Checkpoint::small();
        change(&mut checkpoint);
        Encoder::open(checkpoint.write().path()).unwrap_err()
    };
    let text = |error: pixelplay_core::EncodeError| {
        let source = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", source.unwrap_or_default())
    };
    // Pooling would not be at the end of the text.
    let error = text(refused(|c| c.config["text_config"]["eos_token_id"] = 7.into()));
    assert!(error.contains("eos_token_id = 7"), "{error}");
    // OpenAI's legacy value 2 means the highest id, which is the end token here.
    let mut legacy = Checkpoint::small();
    legacy.config["text_config"]["eos_token_id"] = 2.into();
    legacy.open();
    let error = text(refused(|c| c.tokenizer["post_processor"] = Value::Null));
    assert!(error.contains("0 tokens around a text"), "{error}");
    let error = text(refused(|c| c.tokenizer["model"]["vocab"]["extra"] = json!(64)));
    assert!(error.contains("highest token id is 64"), "{error}");
    let error = text(refused(|c| c.tokenizer = json!({"model": 3})));
    assert!(error.contains("tokenizer.json"), "{error}");
}

#[test]
fn vocab_and_merges_make_the_tokenizer_that_tokenizer_json_holds() {
    // A vocabulary small enough to tokenize by hand.
    let merges = ["l o", "lo w</w>", "e r</w>"];
    let vocabulary = clip_vocabulary(&merges);
    let size = vocabulary.len();
    let mut config = Checkpoint::small().config;
    config["text_config"]["vocab_size"] = size.into();
    config["text_config"]["eos_token_id"] = (size - 1).into();
    let dir = Checkpoint::new("bytes", &config, safetensors::Dtype::F32).write();
    let write = |file: &str, text: &str| std::fs::write(dir.path().join(file), text).unwrap();
    std::fs::remove_file(dir.path().join("tokenizer.json")).unwrap();
    write("vocab.json", &Value::Object(vocabulary).to_string());
    write("merges.txt", &merges.join("\n"));
    let encoder = Encoder::open(dir.path()).unwrap();
    let ids = encoder.tokenize("Low lower!").unwrap();
    let byte = |c: char| u32::from(c) - 33;
    let expected = [
        513 + 2,         // <|startoftext|>
        513,             // low</w>
        512,             // lo
        byte('w'),       // w
        514,             // er</w>
        256 + byte('!'), // !</w>
        513 + 3,         // <|endoftext|>
    ];
    assert_eq!(ids, expected);
    assert!(dir.path().join("vocab.json").exists() && !Path::new("tokenizer.json").exists());
}

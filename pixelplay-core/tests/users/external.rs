//! Accounts without a password, which another service vouches for.

use super::*;

const ID: &str = "https://accounts.example.org|248289761001";

#[test]
fn an_account_without_a_password_is_begun_resumed_and_ended_like_others() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register_external("Ana@Example.org", ID).unwrap();
    let account = users.account("ana@example.org").unwrap();
    assert_eq!((account.external_id.as_deref(), account.hash_kind), (Some(ID), None));
    let client = Client { label: Some("phone"), ..Client::default() };
    let log_in = users.log_in_external(ID, &client).unwrap();
    assert_eq!(log_in.session.username, "Ana@Example.org");
    assert!(is_live(&users, &log_in));
    users.add_favourite("ana@example.org", "song").unwrap();
    assert!(users.export("ana@example.org").unwrap().contains(ID));
    assert_eq!(users.sessions("ana@example.org").unwrap()[0].label.as_deref(), Some("phone"));
    users.log_out(log_in.token.expose()).unwrap();
    assert!(!is_live(&users, &log_in));
    let log_in = users.log_in_external(ID, &client).unwrap();
    clock.forward(30 * MINUTE);
    assert!(!is_live(&users, &log_in));
    refused!(users.log_in_external("somebody else", &client), UserError::UnknownUser);
    users.verify().unwrap();
    users.delete_account("ana@example.org").unwrap();
    refused!(users.log_in_external(ID, &client), UserError::UnknownUser);
}

#[test]
fn no_password_opens_an_account_without_one() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    users.register_external("ana", ID).unwrap();
    for guess in ["", "none", ID, PASSWORD] {
        refused!(users.log_in("ana", guess), UserError::InvalidCredentials);
        let changed = users.change_password("ana", guess, OTHER_PASSWORD);
        refused!(changed, UserError::InvalidCredentials);
    }
    // Somebody who can read the mail of its address cannot log in either.
    let token = users.start_password_reset("ana").unwrap();
    let finished = users.finish_password_reset(token.expose(), PASSWORD);
    refused!(finished, UserError::InvalidToken);
    // The operator may set a password.
    users.set_password("ana", PASSWORD).unwrap();
    users.log_in("ana", PASSWORD).unwrap();
    users.log_in_external(ID, &Client::default()).unwrap();
    users.verify().unwrap();
}

#[test]
fn an_external_id_belongs_to_one_account() {
    let folder = Folder::new();
    let users = folder.open();
    users.register_external("ana", ID).unwrap();
    import(&users, "bea");
    refused!(users.register_external("clara", ID), UserError::ExternalIdTaken);
    refused!(users.register_external("Ana", "other"), UserError::NameTaken);
    refused!(users.set_external_id("bea", Some(ID)), UserError::ExternalIdTaken);
    refused!(users.set_external_id("nobody", None), UserError::UnknownUser);
    let long = "x".repeat(1025);
    for bad in ["", &long] {
        refused!(users.register_external("clara", bad), UserError::ExternalId { max_bytes: 1024 });
        refused!(users.set_external_id("bea", Some(bad)), UserError::ExternalId { .. });
    }
    users.set_external_id("ana", None).unwrap();
    users.set_external_id("bea", Some(ID)).unwrap();
    let log_in = users.log_in_external(ID, &Client::default()).unwrap();
    assert_eq!(log_in.session.username, "bea");
    users.disable("bea").unwrap();
    assert!(!is_live(&users, &log_in));
    refused!(users.log_in_external(ID, &Client::default()), UserError::Disabled);
}

//! Actions that need a single-use token: resetting a lost password, and registering and renaming
//! accounts with hidden names.

use super::*;

#[test]
fn a_reset_sets_the_password_once_and_ends_all_sessions() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let [one, other] = [(); 2].map(|()| users.start_password_reset("ANA").unwrap());
    // Until a token is used, nothing changes: the owner may not have asked for it.
    assert!(is_live(&users, &log_in));
    users.finish_password_reset(one.expose(), OTHER_PASSWORD).unwrap();

    assert!(!is_live(&users, &log_in));
    refused!(users.log_in("ana", PASSWORD), UserError::InvalidCredentials);
    users.log_in("ana", OTHER_PASSWORD).unwrap();
    for used in [&one, &other] {
        refused!(users.finish_password_reset(used.expose(), PASSWORD), UserError::InvalidToken);
    }
    users.log_in("ana", OTHER_PASSWORD).unwrap();
}

#[test]
fn a_reset_expires_and_is_swept() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    let late = users.start_password_reset("ana").unwrap();
    clock.forward(SECOND);
    let timely = users.start_password_reset("ana").unwrap();
    clock.forward(30 * MINUTE - SECOND);
    refused!(users.finish_password_reset(late.expose(), OTHER_PASSWORD), UserError::InvalidToken);
    users.log_in("ana", PASSWORD).unwrap();
    assert_eq!(folder.count("confirmation"), 2);
    users.finish_password_reset(timely.expose(), OTHER_PASSWORD).unwrap();
    users.log_in("ana", OTHER_PASSWORD).unwrap();

    users.start_password_reset("nobody").unwrap();
    clock.forward(30 * MINUTE);
    users.start_password_reset("ana").unwrap();
    assert_eq!(folder.count("confirmation"), 1);
}

#[test]
fn a_password_that_cannot_be_taken_leaves_the_token_as_it_was() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let token = users.start_password_reset("ana").unwrap();
    for weak in ["short", "passwordpassword", "", "tab\tin a password"] {
        refused!(users.finish_password_reset(token.expose(), weak), UserError::Password(_));
    }
    users.finish_password_reset(token.expose(), OTHER_PASSWORD).unwrap();
}

#[test]
fn a_reset_for_nobody_looks_like_any_other() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    for name in ["ana", "nobody"] {
        // The same kind of token, one new row, and after some requests the same wait.
        let rows = folder.count("confirmation");
        let answers: Vec<String> = (0..6)
            .map(|_| match users.start_password_reset(name) {
                Ok(token) => format!("{} characters", token.expose().len()),
                Err(error) => error.to_string(),
            })
            .collect();
        let refused = "a new password was requested too often; try again in 1 s";
        let sent = "43 characters";
        assert_eq!(answers, [sent, sent, sent, sent, refused, refused], "{name}");
        assert_eq!(folder.count("confirmation"), rows + 4);
    }
    clock.forward(SECOND);
    let token = users.start_password_reset("nobody").unwrap();
    refused!(users.finish_password_reset(token.expose(), OTHER_PASSWORD), UserError::InvalidToken);
    // The token does not work for somebody who registers the name later either.
    users.register("nobody", PASSWORD).unwrap();
    refused!(users.finish_password_reset(token.expose(), OTHER_PASSWORD), UserError::InvalidToken);
}

#[test]
fn a_token_is_good_for_what_it_was_made_for_alone() {
    let folder = Folder::new();
    let users = folder.open_with(|options| {
        options.hidden_names = true;
        never_throttled(options);
    });
    import(&users, "ana");
    let client = Client::default();
    let reset = users.start_password_reset("ana").unwrap();
    let registration = users.start_registration("bea", &client).unwrap();
    let rename = users.start_rename("ana", "clara", &client).unwrap();
    let session = users.log_in("ana", PASSWORD).unwrap();
    for token in [&reset, &registration, &rename] {
        refused!(users.resume(token.expose()), UserError::InvalidSession);
        users.log_out(token.expose()).unwrap();
    }
    for token in [&registration, &rename, &session.token] {
        let finished = users.finish_password_reset(token.expose(), OTHER_PASSWORD);
        refused!(finished, UserError::InvalidToken);
    }
    for token in [&reset, &rename, &session.token] {
        let finished = users.finish_registration(token.expose(), PASSWORD);
        refused!(finished, UserError::InvalidToken);
    }
    for token in [&reset, &registration, &session.token] {
        refused!(users.finish_rename(token.expose()), UserError::InvalidToken);
    }
    assert_eq!(users.finish_registration(registration.expose(), PASSWORD).unwrap(), "bea");
    assert_eq!(users.finish_rename(rename.expose()).unwrap(), "clara");
    users.finish_password_reset(reset.expose(), OTHER_PASSWORD).unwrap();
    users.log_in("clara", OTHER_PASSWORD).unwrap();
}

#[test]
fn a_changed_password_voids_the_tokens_that_are_out() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let reset = users.start_password_reset("ana").unwrap();
    let rename = users.start_rename("ana", "bea", &Client::default()).unwrap();
    users.change_password("ana", PASSWORD, OTHER_PASSWORD).unwrap();
    refused!(users.finish_password_reset(reset.expose(), PASSWORD), UserError::InvalidToken);
    refused!(users.finish_rename(rename.expose()), UserError::InvalidToken);
    users.log_in("ana", OTHER_PASSWORD).unwrap();
}

#[test]
fn with_hidden_names_what_would_tell_is_refused() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.hidden_names = true);
    import(&users, "ana");
    for name in ["ana", "bea", "no name"] {
        refused!(
            users.register(name, PASSWORD),
            UserError::NamesAreHidden { instead: "start_registration" }
        );
        refused!(users.rename("ana", name), UserError::NamesAreHidden { instead: "start_rename" });
    }
}

#[test]
fn until_it_is_confirmed_nobody_learns_whether_a_name_is_taken() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.hidden_names = true);
    users.import_account("taken", &CHEAP_HASH).unwrap();
    import(&users, "mover");
    let client = Client::default();
    let mut tokens = Vec::new();
    for name in ["taken", "TAKEN", "t\u{430}ken", "free"] {
        let rows = folder.count("confirmation");
        let token = users.start_registration(name, &client).unwrap();
        assert_eq!(token.expose().len(), 43);
        assert_eq!(folder.count("confirmation"), rows + 1);
        // A password that is not accepted leaves the token valid.
        refused!(
            users.finish_registration(token.expose(), "passwordpassword"),
            UserError::Password(PasswordProblem::Common)
        );
        tokens.push(token);
    }
    let [.., free] = &tokens[..] else { unreachable!() };
    // Before that, there is no account.
    refused!(users.log_in("free", PASSWORD), UserError::InvalidCredentials);
    refused!(users.account("free"), UserError::UnknownUser);
    for token in &tokens[..3] {
        refused!(users.finish_registration(token.expose(), OTHER_PASSWORD), UserError::NameTaken);
    }
    assert_eq!(users.finish_registration(free.expose(), PASSWORD).unwrap(), "free");
    refused!(users.finish_registration(free.expose(), PASSWORD), UserError::InvalidToken);
    users.log_in("free", PASSWORD).unwrap();
    // The account that had the name keeps it, and its password.
    users.log_in("taken", PASSWORD).unwrap();

    let tokens =
        ["taken", "elsewhere"].map(|name| users.start_rename("mover", name, &client).unwrap());
    refused!(users.finish_rename(tokens[0].expose()), UserError::NameTaken);
    assert_eq!(users.finish_rename(tokens[1].expose()).unwrap(), "elsewhere");
    refused!(users.start_rename("nobody", "somebody", &client), UserError::UnknownUser);
    users.verify().unwrap();
}

#[test]
fn of_two_registrations_of_one_name_the_first_that_is_confirmed_has_it() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.hidden_names = true);
    let client = Client::default();
    let slow = users.start_registration("ana", &client).unwrap();
    let quick = users.start_registration("ana", &client).unwrap();
    users.finish_registration(quick.expose(), OTHER_PASSWORD).unwrap();
    refused!(users.finish_registration(slow.expose(), PASSWORD), UserError::NameTaken);
    users.log_in("ana", OTHER_PASSWORD).unwrap();
    refused!(users.log_in("ana", PASSWORD), UserError::InvalidCredentials);
}

/// Account pre-hijacking: somebody who starts a registration with another person's address has no
/// influence on what the owner of the address confirms.
#[test]
fn the_password_of_a_registration_is_that_of_whoever_finishes_it() {
    let folder = Folder::new();
    let users = folder.open_with(|options| options.hidden_names = true);
    let attacker = Client { source: Some("198.51.100.9"), ..Client::default() };
    let first_mail = users.start_registration("victim@example.com", &attacker).unwrap();
    let second_mail = users.start_registration("victim@example.com", &Client::default()).unwrap();
    // The owner may follow either of the two identical mails.
    users.finish_registration(first_mail.expose(), PASSWORD).unwrap();
    refused!(users.finish_registration(second_mail.expose(), PASSWORD), UserError::NameTaken);
    users.log_in("victim@example.com", PASSWORD).unwrap();
}

#[test]
fn a_token_made_by_a_clock_that_was_ahead_ends_when_the_clock_is_set_right() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    users.register("ana", PASSWORD).unwrap();
    clock.forward(365 * DAY);
    let reset = users.start_password_reset("ana").unwrap();
    clock.back(365 * DAY);
    for wait in [Duration::ZERO, DAY, 300 * DAY] {
        clock.forward(wait);
        refused!(
            users.finish_password_reset(reset.expose(), OTHER_PASSWORD),
            UserError::InvalidToken
        );
    }
    // A token created now is valid, even after the clock is corrected by a second.
    let reset = users.start_password_reset("ana").unwrap();
    clock.back(SECOND);
    users.finish_password_reset(reset.expose(), OTHER_PASSWORD).unwrap();
}

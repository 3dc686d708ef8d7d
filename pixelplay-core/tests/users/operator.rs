//! Functions for the operator: listing, unlocking and disabling accounts.

use super::*;

#[test]
fn accounts_are_listed_in_order_and_in_parts() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    assert!(users.accounts(None, 10).unwrap().is_empty());
    for name in ["clara", "Ana", "bea", "d\u{f6}rte"] {
        import(&users, name);
    }
    users.disable("bea").unwrap();
    let names = |after, limit| -> Vec<String> {
        let accounts = users.accounts(after, limit).unwrap();
        accounts.into_iter().map(|account| account.username).collect()
    };
    assert_eq!(names(None, usize::MAX), ["Ana", "bea", "clara", "d\u{f6}rte"]);
    assert_eq!(names(None, 2), ["Ana", "bea"]);
    assert_eq!(names(Some("BEA "), 2), ["clara", "d\u{f6}rte"]);
    let bea = users.account("bea").unwrap();
    assert_eq!(users.accounts(Some("ana"), 1).unwrap(), std::slice::from_ref(&bea));
    assert_eq!(bea.disabled, Some(clock.time()));
    assert_eq!(bea.hash_kind.as_deref(), Some("bcrypt:4"));
}

#[test]
fn an_account_under_attack_is_unlocked() {
    let folder = Folder::new();
    let clock = SetClock::new();
    let users = folder.open_with(|options| options.clock = clock.clock());
    import(&users, "ana");
    assert_eq!(users.log_in_wait("ana").unwrap(), Duration::ZERO);
    while users.log_in_wait("ana").unwrap().is_zero() {
        refused!(users.log_in("ana", OTHER_PASSWORD), UserError::InvalidCredentials);
    }
    refused!(users.log_in("ana", PASSWORD), UserError::Throttled { .. });
    users.unlock("Ana").unwrap();
    users.log_in("ana", PASSWORD).unwrap();
    refused!(users.unlock("nobody"), UserError::UnknownUser);
    refused!(users.log_in_wait("nobody"), UserError::UnknownUser);
}

#[test]
fn nobody_logs_in_to_a_disabled_account_and_its_data_stay() {
    let folder = Folder::new();
    let users = folder.open_with(never_throttled);
    users.register("ana", PASSWORD).unwrap();
    users.add_favourite("ana", "song").unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    let early = users.start_password_reset("ana").unwrap();
    assert!(users.disable("ana").unwrap());
    assert!(!users.disable("ana").unwrap());
    assert!(!is_live(&users, &log_in));
    let late = users.start_password_reset("ana").unwrap();
    for token in [&early, &late] {
        let finished = users.finish_password_reset(token.expose(), OTHER_PASSWORD);
        refused!(finished, UserError::InvalidToken);
    }
    // Only somebody who knows the password learns why.
    refused!(users.log_in("ana", OTHER_PASSWORD), UserError::InvalidCredentials);
    refused!(users.log_in("ana", PASSWORD), UserError::Disabled);
    refused!(users.change_password("ana", PASSWORD, OTHER_PASSWORD), UserError::Disabled);
    assert!(users.sessions("ana").unwrap().is_empty());
    assert!(users.enable("ana").unwrap());
    assert!(!users.enable("ana").unwrap());
    users.log_in("ana", PASSWORD).unwrap();
    assert_eq!(users.favourites("ana").unwrap(), ["song"]);
    refused!(users.disable("nobody"), UserError::UnknownUser);
    refused!(users.enable("nobody"), UserError::UnknownUser);
}

#[test]
fn a_password_set_by_the_operator_ends_what_the_old_one_began() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("ana", PASSWORD).unwrap();
    let log_in = users.log_in("ana", PASSWORD).unwrap();
    refused!(users.set_password("ana", "short"), UserError::Password(_));
    refused!(users.set_password("nobody", OTHER_PASSWORD), UserError::UnknownUser);
    assert!(is_live(&users, &log_in));
    for _ in 0..4 {
        refused!(users.log_in("ana", OTHER_PASSWORD), UserError::InvalidCredentials);
    }
    users.set_password("ana", OTHER_PASSWORD).unwrap();
    assert!(!is_live(&users, &log_in));
    users.log_in("ana", OTHER_PASSWORD).unwrap();
    refused!(users.log_in("ana", PASSWORD), UserError::InvalidCredentials);
}

#[test]
fn mail_addresses_of_two_people_are_two_accounts() {
    let folder = Folder::new();
    let users = folder.open();
    for name in [
        "mamie@example.com",
        "marnie@example.com",
        "ben.l@example.com",
        "ben.1@example.com",
        "stern@example.com",
        "stem@example.com",
    ] {
        import(&users, name);
    }
    for alike in ["m\u{430}mie@example.com", "MAMIE@EXAMPLE.COM"] {
        refused!(users.import_account(alike, &CHEAP_HASH), UserError::NameTaken);
    }
}

#[test]
fn the_space_that_a_phone_adds_to_a_name_is_not_part_of_it() {
    let folder = Folder::new();
    let users = folder.open();
    users.register("Ana ", PASSWORD).unwrap();
    assert_eq!(users.account("ana").unwrap().username, "Ana");
    for typed in ["Ana ", " ana", "ana\u{a0}", "\tANA\n"] {
        users.log_in(typed, PASSWORD).unwrap();
    }
    assert_eq!(folder.count("attempt"), 0);
}

#[test]
fn a_store_that_is_not_there_is_not_made_unless_it_should_be() {
    let folder = Folder::new();
    let open = || {
        let options = UserStoreOptions { create: false, ..UserStoreOptions::default() };
        UserStore::open_with(folder.db(), options)
    };
    refused!(
        open(),
        UserError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound
    );
    assert!(folder.names().is_empty());
    import(&folder.open(), "ana");
    open().unwrap().account("ana").unwrap();
}

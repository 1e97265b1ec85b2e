//! The token, read again whenever somebody asks for it.

use std::convert::Infallible;
use std::path::Path;

use tokio::sync::Notify;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::cli::Config;
use crate::policy::Policy;
use chadburn_host::log::escaped;
use chadburn_host::secret::Secret;
use chadburn_host::token_file;
use live_file::disk::{DEADLINE, no_answer};

/// What is said wherever no new token is to be had, before the reason.
const STAYS: &str = "the old token stays";

/// Reads the token file whenever this is notified, and hands on the policy with the new token. If
/// the file is at fault the old token stays.
pub(super) async fn read_again_on(
    reload: &Notify,
    config: &Config,
    hand_on: impl AsyncFn(Policy),
) -> Infallible {
    loop {
        reload.notified().await;
        match read_again(config).await {
            Some(Ok(token)) => {
                tracing::info!("the token was read again");
                let path = config.token_file.clone();
                // What its disk does holds up nobody.
                drop(spawn_blocking(move || tell_doubts(path.as_deref())));
                let mut policy = config.policy();
                policy.visitors.token = Some(token);
                hand_on(policy).await;
            }
            Some(Err(why)) => tracing::warn!("{STAYS}: {}", escaped(&why)),
            None => tracing::debug!("there is nothing to read again"),
        }
    }
}

/// Says what is to be said of a token file that is safe enough to be used.
pub(super) fn tell_doubts(path: Option<&Path>) {
    let Some(path) = path else { return };
    for doubt in token_file::doubts(path).unwrap_or_default() {
        let (path, doubt) = (path.to_string_lossy(), doubt.to_string());
        tracing::warn!("token file {}: {}", escaped(&path), escaped(&doubt));
    }
}

/// The token as it is in its file now, or why there is none; `None` without a file. A disk that hangs holds up
/// nobody else. It is said once and waited for, so that one thread hangs, however often it is asked.
async fn read_again(config: &Config) -> Option<Result<Secret, String>> {
    let path = config.token_file.clone()?;
    let name = format!("token file {}", path.display());
    let mut loading = spawn_blocking(move || token_file::load(&path));
    let loaded = if let Ok(loaded) = timeout(DEADLINE, &mut loading).await {
        loaded
    } else {
        tracing::warn!("{STAYS}: {}", escaped(&no_answer(&name, DEADLINE)));
        loading.await
    };
    Some(loaded.ok()?.map_err(|error| error.to_string()))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use tokio::sync::mpsc;

    use super::*;
    use crate::cli::{self, Command};

    #[tokio::test]
    async fn a_new_token_is_handed_on_and_a_bad_file_is_not() {
        let desk = tempfile::tempdir().unwrap();
        let path = desk.path().join("token");
        fs::write(&path, "brass\n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let typed = ["chadburn", "--token-file", "token"].map(Into::into);
        let Ok(Command::Serve(config)) = cli::parse(typed, |_| None, desk.path()) else {
            panic!("a good command line");
        };
        assert!(config.policy().visitors.is_token("brass"));
        fs::write(&path, "").unwrap();
        assert!(matches!(read_again(&config).await, Some(Err(_))));
        let (reload, (policies, mut handed_on)) = (Notify::new(), mpsc::channel(1));
        let change = async {
            for token in ["copper", "tin"] {
                fs::write(&path, token).unwrap();
                reload.notify_one();
                let policy: Policy = handed_on.recv().await.unwrap();
                assert!(policy.visitors.is_token(token) && !policy.visitors.is_token("brass"));
            }
        };
        tokio::select! {
            never = read_again_on(&reload, &config, async |policy| {
                policies.send(policy).await.unwrap();
            }) => match never {},
            () = change => {}
        }
    }
}

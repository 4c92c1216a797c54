//! The same guest started by Igloo, and by a script that does what nixpkgs' `run-builder` does at each start: it makes the
//! image of the store, and the root disk where there is none, then runs the same QEMU.

use super::{Bench, millis, spread};
use crate::{cache, host_nix, run};
use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::{Duration, Instant},
};

/// Longer than any start takes under emulation.
const LIMIT: Duration = Duration::from_secs(240);

/// `DISK STORE LIST MKFS_EROFS GIB QEMU…`: the parts of the stock script that cost time.
const SCRIPT: &str = r#"set -e
disk=$1 store=$2 list=$3 mkfs=$4 gib=$5; shift 5
if ! test -e "$disk"; then
  truncate -s "${gib}G" "$disk.raw"
  mkfs.ext4 -q -L nixos "$disk.raw"
  qemu-img convert -f raw -O qcow2 "$disk.raw" "$disk"
  rm "$disk.raw"
fi
tar --create --absolute-names --verbatim-files-from --transform 'flags=rSh;s|/nix/store/||' \
  --transform 'flags=rSh;s|~nix~case~hack~[[:digit:]]\+||g' --files-from "$list" |
  "$mkfs" --quiet --force-uid=0 --force-gid=0 -L nix-store -U eb176051-bd15-49b7-9e6b-462e0b467019 -T 0 --tar=f "$store"
exec "$@"
"#;

/// Size of the root disk, in GiB.
const GIB: u64 = 10;

/// The image of the same shape as nixpkgs' builder, made of the test image's files, below `home`.
pub fn image(debian: &Path, home: &Path) -> Result<PathBuf> {
    let folder = home.join("split");
    let system = folder.join("nix/store/system");
    fs::create_dir_all(&system)?;
    let request = format!("rdump / {}", system.display());
    run::outcome_or_error(run::command("/sbin/debugfs").args(["-R", &request]).arg(debian.join("root.img")))?;
    for mounted_over in ["dev", "proc", "sys", "run", "lost+found"] {
        let _ = fs::remove_dir_all(system.join(mounted_over));
    }
    // what only a group may read would be nobody's in the image, where all is root's; Nix' store has no such files
    run::outcome_or_error(run::command("chmod").args(["-R", "a+rX"]).arg(&system))?;
    let list = folder.join("store-paths");
    fs::write(&list, format!("{}\n", system.display()))?;
    let mut manifest: Value = serde_json::from_slice(&fs::read(debian.join("manifest.json"))?)?;
    let cmdline = manifest["cmdline"].as_str().context("the image has no command line")?;
    let kept = cmdline.split(' ').filter(|word| !word.starts_with("root") && !word.starts_with("init="));
    // what the names in the store image have before them, since these paths are not in `/nix/store` itself
    let inside = format!("{}system", folder.display());
    let cmdline = format!("{} init=/usr/sbin/tiny-init system={inside}", kept.collect::<Vec<_>>().join(" "));
    let of_this = json!({
        "name": "split",
        "kernel": debian.join("kernel"),
        "initrd": debian.join("initrd-split"),
        "cmdline": cmdline,
        "root": {"kind": "blank", "label": "nixos", "fs": "ext4"},
        "store": {"paths": list, "label": "nix-store"},
        "shares": ["certs", "keys", "shared", "xchg"],
        "certs": {"tag": "certs", "file": "ca-certificates.crt"},
        "tools": {"mkfs_erofs": mkfs_erofs()?},
    });
    let (Some(manifest), Some(more)) = (manifest.as_object_mut(), of_this.as_object()) else {
        bail!("the image's manifest is no object")
    };
    manifest.extend(more.clone());
    fs::write(folder.join("manifest.json"), serde_json::to_string_pretty(&manifest)?)?;
    Ok(folder)
}

fn mkfs_erofs() -> Result<PathBuf> {
    Ok(host_nix::find_or_make(host_nix::Suite::Trixie)?.join("mkfs.erofs"))
}

impl Bench {
    /// Starts both in turn, and prints how long each took to be logged in to, and the ratio.
    pub fn beside_stock(&self, image: &Path, rounds: usize) -> Result<()> {
        let settings = format!(
            "keychain = false\n[builders.{}]\nenabled = true\nimage = {image:?}\nport = {}\ndisk = {GIB}\n",
            self.builder,
            super::free_port()?
        );
        fs::write(self.home.join("config/settings.toml"), settings)?;
        // that of the image before, which this one does not fit
        cache::remove(&self.home.join("state/builders").join(self.builder).join("disks"))?;
        let mut engine = self.serve()?;
        let measured = self.rounds(image, rounds);
        let _ = run::outcome(&mut self.igloo(&["stop", self.builder, "--now"]));
        run::end(&mut engine)?;
        let (mut ours, mut stock) = measured?;
        println!(
            "\nstart to ready with a blank root and a store image, {rounds} rounds, median (least to most), ms:"
        );
        println!("  igloo, to the last rung of its ladder:      {}", spread(&mut ours));
        println!("  what run-builder does, to the first login:  {}", spread(&mut stock));
        let median = |times: &[u64]| times.get(times.len() / 2).copied().unwrap_or_default() as f64;
        println!("  igloo takes {:.2} of the time", median(&ours) / median(&stock).max(1.0));
        Ok(())
    }

    fn rounds(&self, image: &Path, rounds: usize) -> Result<(Vec<u64>, Vec<u64>)> {
        let (mut ours, mut stock) = (Vec::new(), Vec::new());
        let other = self.home.join("stock");
        fs::create_dir(&other)?;
        // the first start of each makes what is made once
        for round in 0..=rounds {
            let start = Instant::now();
            run::outcome_or_error(&mut self.igloo(&["start", self.builder]))?;
            let took = millis(start.elapsed());
            let qemu = self.command_line()?;
            run::outcome_or_error(&mut self.igloo(&["stop", self.builder]))?;
            let other_took = self.stock_start(image, &other, &qemu)?;
            if round > 0 {
                ours.push(took);
                stock.push(other_took);
            }
        }
        Ok((ours, stock))
    }

    /// The command line of the machine that runs.
    fn command_line(&self) -> Result<Vec<String>> {
        let status: Value =
            serde_json::from_str(&run::outcome_or_error(&mut self.igloo(&["status", "--json"]))?)?;
        let builders = status["builders"].as_array().context("no builders in the status")?;
        let pid = builders.iter().find_map(|b| b["running"]["pid"].as_u64()).context("no machine runs")?;
        let words = fs::read(format!("/proc/{pid}/cmdline"))?;
        let words = String::from_utf8(words)?;
        Ok(words.trim_end_matches('\0').split('\0').map(str::to_owned).collect())
    }

    /// Runs the script with the same machine on files of its own; how long until a login works, in ms.
    fn stock_start(&self, image: &Path, other: &Path, qemu: &[String]) -> Result<u64> {
        let port = super::free_port()?;
        let (disk, store) = (other.join("disk.qcow2"), other.join("store.img"));
        let words = qemu.iter().map(|word| elsewhere(word, &disk, &store, other, port));
        let mut script = run::command("sh");
        script.args(["-c", SCRIPT, "run-builder"]).args([
            &disk,
            &store,
            &image.join("store-paths"),
            &mkfs_erofs()?,
        ]);
        script.arg(GIB.to_string()).args(words).stdin(Stdio::null());
        let start = Instant::now();
        let mut machine = run::spawn(&mut script)?;
        let up = run::wait_for("the stock script's guest", LIMIT, || {
            anyhow::ensure!(machine.try_wait()?.is_none(), "the stock script's machine ended");
            Ok((says_hello(port) && self.login(port, "true")?).then_some(()))
        });
        let took = millis(start.elapsed());
        let stopped = up.and_then(|()| self.power_off(port, &mut machine));
        if stopped.is_err() {
            let _ = machine.kill();
            let _ = machine.wait();
        }
        stopped.map(|()| took)
    }

    fn power_off(&self, port: u16, machine: &mut Child) -> Result<()> {
        self.login(port, "sync; echo off > /run/power-off")?;
        run::wait_for("the power off", LIMIT, || Ok(machine.try_wait()?.map(|_| ())))
    }

    fn login(&self, port: u16, command: &str) -> Result<bool> {
        let key = self.home.join("state/builders").join(self.builder).join("keys/builder_ed25519");
        let mut ssh = run::command("ssh");
        ssh.args(["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"]);
        ssh.args(["-o", "BatchMode=yes", "-o", "ConnectTimeout=20", "-o", "IdentitiesOnly=yes", "-i"])
            .arg(key);
        ssh.args(["-p", &port.to_string(), "builder@127.0.0.1", command]);
        Ok(run::outcome(&mut ssh)?.success)
    }
}

/// Whether a sshd answers now. A guest that is not up yet leaves a connection hanging, so each look is a short one.
fn says_hello(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let mut hello = [0; 4];
    let _ = stream.set_read_timeout(Some(Duration::from_millis(400)));
    stream.read_exact(&mut hello).is_ok() && &hello == b"SSH-"
}

/// A word of Igloo's command line, for a machine of the script's.
fn elsewhere(word: &str, disk: &Path, store: &Path, other: &Path, port: u16) -> String {
    if let Some((_, options)) = word.strip_prefix("file=").and_then(|rest| rest.split_once(',')) {
        let file = if options.contains("id=root") { disk } else { store };
        return format!("file={},{options}", file.display());
    }
    if word.contains("hostfwd=") {
        return format!("user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22");
    }
    match word.split_once(",path=") {
        Some((before, path)) if !word.starts_with("local") => {
            let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy();
            format!("{before},path={}", other.join(&*name).display())
        }
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_machine_has_files_and_a_port_of_its_own() {
        let of = |word| elsewhere(word, Path::new("/d"), Path::new("/s"), Path::new("/o"), 7);
        assert_eq!(
            of("file=/a/b.qcow2,if=none,id=root,format=qcow2"),
            "file=/d,if=none,id=root,format=qcow2"
        );
        assert_eq!(of("file=/a/b.erofs,if=none,id=store,format=raw"), "file=/s,if=none,id=store,format=raw");
        assert_eq!(of("user,id=net,hostfwd=tcp:127.0.0.1:9-:22"), "user,id=net,hostfwd=tcp:127.0.0.1:7-:22");
        assert_eq!(
            of("socket,id=qmp,server=on,path=/run/qmp.sock"),
            "socket,id=qmp,server=on,path=/o/qmp.sock"
        );
        assert_eq!(of("local,path=/k,mount_tag=keys"), "local,path=/k,mount_tag=keys");
        assert_eq!(of("-smp"), "-smp");
    }
}

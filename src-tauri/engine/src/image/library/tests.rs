use super::*;
use crate::settings::{HostSize, Store};
use igloo_protocol::SettingsPatch;
use serde_json::json;

/// A user with three images of different closures, each with a link and a store image.
struct Bench {
    paths: Paths,
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let paths = Paths::below(&dir.path().join("home"));
        paths.create().unwrap();
        let bench = Bench { paths, dir };
        for name in ["a", "b", "c"] {
            bench.image(name);
        }
        bench
    }

    fn library(&self) -> Library {
        Library::new(&self.paths)
    }

    fn image(&self, name: &str) {
        let folder = self.dir.path().join(format!("{name}-manifest.json"));
        fs::create_dir(&folder).unwrap();
        let manifest = json!({
            "version": 1, "name": name, "system": "x86_64-linux", "kernel": "paths", "cmdline": "",
            "root": {"kind": "blank", "label": "nixos", "fs": "ext4"},
            "store": {"paths": "paths", "label": "nix-store"}, "shares": ["keys"], "user": "builder",
            "keys": {"tag": "keys", "file": "k"}, "host_key": {"kind": "known", "public": "x"}, "power_off": "p",
        });
        fs::write(folder.join("paths"), format!("/nix/store/{name}\n")).unwrap();
        fs::write(folder.join(MANIFEST), manifest.to_string()).unwrap();
        let library = self.library();
        fs::create_dir_all(library.links.folder()).unwrap();
        std::os::unix::fs::symlink(&folder, library.root_for(&folder)).unwrap();
        let store = library.stores().file(&Image::open(&folder).unwrap()).unwrap().unwrap();
        fs::create_dir_all(store.parent().unwrap()).unwrap();
        fs::write(store, name).unwrap();
    }

    fn link(&self, name: &str) -> PathBuf {
        self.library().links.folder().join(name)
    }

    fn uses(&self) -> Uses {
        uses(&self.paths, &self.store().load().unwrap())
    }

    fn store(&self) -> Store {
        Store::new(self.paths.settings_file(), HostSize { cores: 1, memory_mib: 4096 })
    }

    fn choose(&self, name: &str) {
        let link = format!("{:?}", self.link(name));
        let patch = SettingsPatch { set: vec![("builders.x86_64.image".into(), Some(link))] };
        self.store().apply(&patch).unwrap();
    }

    /// A machine of the other builder that runs an image by its real path.
    fn run(&self, name: &str) {
        let dir = self.paths.run_dir(BuilderId::Aarch64);
        fs::create_dir_all(&dir).unwrap();
        let manifest = manifest_in(&self.link(name));
        let record = json!({
            "pid": 1, "uuid": "00000000-0000-0000-0000-000000000007", "ssh_port": 1, "accel": "tcg", "cores": 1,
            "memory_mib": 1, "ephemeral": false, "disk": "/d", "image": "i", "manifest": manifest, "started_ms": 1,
        });
        fs::write(dir.join("vm.json"), record.to_string()).unwrap();
    }
}

#[tokio::test]
async fn what_a_builder_uses_or_runs_is_kept_and_the_rest_goes() {
    let bench = Bench::new();
    bench.choose("a");
    bench.run("b");
    let collected = bench.library().collect(&bench.uses()).await.unwrap();
    assert_eq!(collected.images, [bench.link("c")]);
    assert_eq!(collected.stores.len(), 1);
    assert!(collected.bytes > 0);
    assert_eq!(bench.library().links(), [bench.link("a"), bench.link("b")]);
    assert_eq!(bench.library().stores().all().len(), 2);
    assert_eq!(bench.library().collect(&bench.uses()).await.unwrap(), Collected::default());
}

#[tokio::test]
async fn a_used_image_that_cant_be_read_stops_the_collection() {
    let bench = Bench::new();
    bench.choose("a");
    fs::remove_file(manifest_in(&bench.link("a"))).unwrap();
    bench.library().collect(&bench.uses()).await.unwrap_err();
    assert_eq!((bench.library().links().len(), bench.library().stores().all().len()), (3, 3));
}

#[test]
fn the_list_tells_size_and_users() {
    let bench = Bench::new();
    bench.choose("a");
    bench.run("a");
    let list = bench.library().list(&bench.uses());
    let used: Vec<_> =
        list.iter().map(|e| (e.name.as_deref().unwrap(), e.used_by.len(), &e.folder)).collect();
    let links = ["a", "b", "c"].map(|name| bench.link(name));
    assert_eq!(used, [("a", 2, &links[0]), ("b", 0, &links[1]), ("c", 0, &links[2])]);
    assert!(list.iter().all(|e| e.bytes > Some(0) && e.system == Some(System::X86_64Linux)));
}

# The Homebrew cask. release.sh fills in what stands between at signs.
cask "igloo" do
  arch arm: "aarch64", intel: "x64"

  version "@VERSION@"
  sha256 arm:   "@ARM@",
         intel: "@INTEL@"

  url "https://github.com/@REPOSITORY@/releases/download/v#{version}/Igloo_#{version}_#{arch}.dmg"
  name "Igloo"
  desc "Linux builder for Nix in the menu bar"
  homepage "https://github.com/@REPOSITORY@"

  depends_on macos: ">= :ventura"

  app "Igloo.app"
  binary "#{appdir}/Igloo.app/Contents/MacOS/igloo"

  uninstall quit: "dev.igloo.app"

  zap trash: [
    "~/Library/Application Support/Igloo",
    "~/Library/Caches/Igloo",
    "~/Library/Caches/dev.igloo.app",
    "~/Library/Preferences/dev.igloo.app.plist",
    "~/Library/WebKit/dev.igloo.app",
  ]

  caveats <<~EOS
    If Igloo set Nix up, undo that before you uninstall it: igloo setup --undo
  EOS
end

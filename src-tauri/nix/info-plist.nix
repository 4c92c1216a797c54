# `Info.plist` as Tauri's bundler makes it, and the project's own key: what a test compares with src-tauri/Info.plist.
{ config, version }:
{
  CFBundleDevelopmentRegion = "English";
  CFBundleDisplayName = config.productName;
  CFBundleExecutable = config.mainBinaryName;
  CFBundleIconFile = "icon.icns";
  CFBundleIdentifier = config.identifier;
  CFBundleInfoDictionaryVersion = "6.0";
  CFBundleName = config.productName;
  CFBundlePackageType = "APPL";
  CFBundleShortVersionString = version;
  CFBundleVersion = version;
  LSApplicationCategoryType = "public.app-category.developer-tools";
  LSMinimumSystemVersion = config.bundle.macOS.minimumSystemVersion;
  LSUIElement = true;
  NSHighResolutionCapable = true;
  NSHumanReadableCopyright = config.bundle.copyright;
}

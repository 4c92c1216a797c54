#!/bin/sh
# Renders the icons from src/*.svg. Needs rsvg-convert (librsvg2-bin, or Homebrew's librsvg), nothing else.
# What it writes is committed, so that a build needs no renderer; run it after a change of a source.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

render() { # SOURCE SIZE TARGET [OPTION...]
  source=$1 size=$2 target=$3
  shift 3
  rsvg-convert "$@" --width "$size" --height "$size" --output "$target" "src/$source.svg"
}

# Up to 32 px most of the picture can't be seen: those sizes have a drawing of their own.
app() { # SIZE TARGET
  if [ "$1" -le 32 ]; then render app-small "$1" "$2"; else render app "$1" "$2"; fi
}

for size in 32 64 128 256 512; do
  app "$size" "${size}x$size.png"
done

be32() {
  for shift in 24 16 8 0; do
    printf "\\$(printf %03o $(($1 >> shift & 255)))"
  done
}

# An icns is "icns", the length of the file, and chunks: type, length of the chunk with its head, a PNG.
# https://en.wikipedia.org/wiki/Apple_Icon_Image_format. The types for 16 and 32 px at 1x take no PNG
# everywhere, so these sizes are there at 2x (ic11, ic12) only.
for chunk in ic11:32 ic12:64 ic07:128 ic13:256 ic08:256 ic14:512 ic09:512 ic10:1024; do
  png=$work/${chunk#*:}.png
  [ -e "$png" ] || app "${chunk#*:}" "$png"
  printf %s "${chunk%:*}"
  be32 $(($(wc -c <"$png") + 8))
  cat "$png"
done >"$work/chunks"
{
  printf icns
  be32 $(($(wc -c <"$work/chunks") + 8))
  cat "$work/chunks"
} >icon.icns

# macOS colours a template (black with alpha) itself. A Linux panel does not, so it gets a colour.
mkdir -p tray
for state in stopped busy ready problem; do
  for size in 22 44; do
    render "tray-$state" "$size" "tray/template-$state-$size.png"
    render "tray-$state" "$size" "tray/panel-$state-$size.png" --stylesheet src/panel.css
  done
done

#!/bin/sh
# Renders the icons from src/*.svg. Needs rsvg-convert (librsvg2-bin, or Homebrew's librsvg), nothing else.
# What it writes is committed, so that a build needs no renderer; run it after a change of a source.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

render() { # SOURCE SIZE TARGET
  rsvg-convert --width "$2" --height "$2" --output "$3" "src/$1.svg"
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

# A badge says that builds run: a disc in the corner that every silhouette leaves free.
badged() { # SOURCE: prints it with the badge
  sed 's|</svg>|<circle cx="2.75" cy="4" r="2.5" fill="currentColor" stroke="none"/></svg>|' "src/$1.svg"
}

# macOS colours a template (black with alpha) itself. A Linux panel does not, so it gets a colour.
both() { # SOURCE.svg STATE
  for size in 22 44; do
    rsvg-convert --width "$size" --height "$size" --output "tray/template-$2-$size.png" "$1"
    rsvg-convert --width "$size" --height "$size" --output "tray/panel-$2-$size.png" --stylesheet src/panel.css "$1"
  done
}

mkdir -p tray
for state in stopped busy ready problem; do
  both "src/tray-$state.svg" "$state"
  # where nothing runs, nothing is built
  [ "$state" = stopped ] && continue
  badged "tray-$state" >"$work/badged.svg"
  both "$work/badged.svg" "$state-builds"
done

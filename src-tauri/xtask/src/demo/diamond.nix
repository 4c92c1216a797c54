# A diamond: one source, three that use it, one that joins them. Each says where it was built, and
# holds what it was built from. Nothing but a shell is needed. `run` makes every run's paths new.
{ system, run }:
let
  step = name: inputs: derivation {
    inherit system inputs;
    name = "igloo-demo-${name}-${run}";
    builder = "/bin/sh";
    args = [
      "-c"
      ''
        read -r host < /proc/sys/kernel/hostname
        read -r kernel < /proc/version
        {
          echo "${name}: built on $host, $kernel"
          for input in $inputs; do
            while IFS= read -r line; do echo "  $line"; done < "$input"
          done
        } > "$out"
      ''
    ];
  };
in
rec {
  a = step "source" [ ];
  b = step "left" [ a ];
  c = step "middle" [ a ];
  d = step "right" [ a ];
  e = step "join" [ b c d ];
}

#!/bin/sh
# Pin every image that the container files name to the digest that its tag has today. A tag can be moved, a digest not.
set -eu
command -v docker >/dev/null || { echo "This needs Docker: it asks the registry for digests. Nothing was changed." >&2; exit 1; }
files="Dockerfile docker-compose.yml"
# shellcheck disable=SC2086  # two names of files, without spaces
images=$(sed -nE 's/^(FROM| +image:) +([a-z]+:[0-9][^ @]*)(@[^ ]*)?( .*)?$/\2/p' $files | grep -v '^permille:' | sort -u)
for image in $images; do
  docker pull --quiet "$image" >/dev/null
  digest=$(docker image inspect --format '{{index .RepoDigests 0}}' "$image")
  digest=${digest##*@}
  case $digest in sha256:*) ;; *) echo "$image has no digest: $digest" >&2; exit 1 ;; esac
  echo "$image@$digest"
  for file in $files; do
    sed -E "s#$image(@sha256:[0-9a-f]+)?( |\$)#$image@$digest\\2#" "$file" >"$file.new" && cat "$file.new" >"$file"
    rm "$file.new"
  done
done

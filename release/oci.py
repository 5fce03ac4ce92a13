"""The image, as an OCI layout in a tar file, made without a container engine: the program, certificate authorities, a user."""

import ast
import base64
import datetime
import hashlib
import json
import re
import textwrap

from release.files import File, compressed, folder, tar

ARCHITECTURES = {"x86_64-unknown-linux-gnu": "amd64", "aarch64-unknown-linux-gnu": "arm64"}
USER = 65532
AUTHORITIES = "etc/ssl/certs/ca-certificates.crt"
INDEX, MANIFEST, CONFIG, LAYER = (
    f"application/vnd.oci.image.{kind}" for kind in ("index.v1+json", "manifest.v1+json", "config.v1+json", "layer.v1.tar+gzip")
)


def authorities(crate_folder):
    """The roots that Mozilla trusts, as the crate webpki-root-certs has them: pinned by Cargo.lock as everything else."""
    source = (crate_folder / "src/lib.rs").read_text()
    found = re.findall(r'// "(.*)"\n\s*CertificateDer::from_slice\((b".*?")\)', source)
    if len(found) < 100 or len(found) != source.count("CertificateDer::from_slice("):
        raise SystemExit(f"error: the certificates in {crate_folder} have another form than this script reads")
    texts = []
    for name, literal in found:
        lines = "\n".join(textwrap.wrap(base64.b64encode(ast.literal_eval(literal)).decode(), 64))
        texts.append(f"# {name}\n-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n")
    return "\n".join(texts).encode()


def root_filesystem(program, licences, roots):
    """What is in the image. The home is there for the private cache and for backups; work is where files are mounted."""
    return {
        "etc": folder(),
        "etc/ssl": folder(),
        "etc/ssl/certs": folder(),
        AUTHORITIES: File(roots),
        "etc/passwd": File(f"root:x:0:0::/:/nologin\neksact:x:{USER}:{USER}::/home/eksact:/nologin\n".encode()),
        "etc/group": File(f"root:x:0:\neksact:x:{USER}:\n".encode()),
        "home": folder(),
        "home/eksact": folder(0o700, USER),
        "licences": folder(),
        **{f"licences/{name}": file for name, file in licences.items()},
        "tmp": folder(0o1777),
        "usr": folder(),
        "usr/bin": folder(),
        "usr/bin/eksact": program,
        "work": folder(0o755, USER),
    }


def _json(value):
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _digest(data):
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def layout(systems, version, epoch):
    """The layout's tar file. `systems` has the root file system for each target; the index names them all."""
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    blobs = {}

    def keep(media, data, **more):
        blobs[_digest(data)] = data
        return {"mediaType": media, "digest": _digest(data), "size": len(data), **more}

    manifests = []
    for target, files in sorted(systems.items()):
        unpacked = tar(files, epoch)
        platform = {"architecture": ARCHITECTURES[target], "os": "linux"}
        config = {
            **platform,
            "created": created,
            "config": {
                "User": f"{USER}:{USER}",
                "Entrypoint": ["/usr/bin/eksact"],
                "Env": ["PATH=/usr/bin", "HOME=/home/eksact", f"SSL_CERT_FILE=/{AUTHORITIES}"],
                "WorkingDir": "/work",
                "Labels": {
                    "org.opencontainers.image.title": "eksact",
                    "org.opencontainers.image.version": version,
                    "org.opencontainers.image.licenses": "MIT OR Apache-2.0",
                },
            },
            "rootfs": {"type": "layers", "diff_ids": [_digest(unpacked)]},
            "history": [{"created": created, "created_by": "scripts/release"}],
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": keep(CONFIG, _json(config)),
            "layers": [keep(LAYER, compressed(unpacked))],
        }
        manifests.append(keep(MANIFEST, _json(manifest), platform=platform))
    # One entry under the version's name: an index for several architectures, else the image itself.
    named = {"annotations": {"org.opencontainers.image.ref.name": version}}
    if len(manifests) > 1:
        images = _json({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests})
        top = keep(INDEX, images, **named)
    else:
        top = {**manifests[0], **named}
    files = {
        "blobs": folder(),
        "blobs/sha256": folder(),
        "index.json": File(_json({"schemaVersion": 2, "mediaType": INDEX, "manifests": [top]})),
        "oci-layout": File(_json({"imageLayoutVersion": "1.0.0"})),
        **{f"blobs/{digest.replace(':', '/')}": File(data) for digest, data in blobs.items()},
    }
    return tar(files, epoch)

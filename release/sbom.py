"""The bill of materials, CycloneDX 1.6 as JSON: what the program is made of, and what only took part in making it."""

import datetime
import json
import uuid


def _purl(name, version):
    return f"pkg:cargo/{name}@{version}"


def _component(crate):
    component = {
        "type": "library",
        "bom-ref": _purl(*crate.key),
        "name": crate.name,
        "version": crate.version,
        "scope": "required" if crate.is_in_program else "excluded",
        "licenses": [{"expression": crate.licence}],
        "purl": _purl(*crate.key),
    }
    if crate.checksum:
        component["hashes"] = [{"alg": "SHA-256", "content": crate.checksum}]
    if crate.repository:
        component["externalReferences"] = [{"type": "vcs", "url": crate.repository}]
    return component


def bill(crates, version, target, epoch, libc):
    """The document's text. `libc` is the version of the GNU C Library in the program, or None."""
    root = _purl("eksact", version)
    components = [_component(crate) for crate in crates if crate.name != "eksact"]
    if libc:
        components.append(
            {
                "type": "library",
                "bom-ref": f"pkg:generic/glibc@{libc}",
                "name": "glibc",
                "version": libc,
                "scope": "required",
                "licenses": [{"license": {"id": "LGPL-2.1-or-later"}}],
                "purl": f"pkg:generic/glibc@{libc}",
            }
        )
    dependencies = [{"ref": _purl(*crate.key), "dependsOn": [_purl(*key) for key in crate.needs]} for crate in crates]
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {
                "type": "application",
                "bom-ref": root,
                "name": "eksact",
                "version": version,
                "licenses": [{"expression": "MIT OR Apache-2.0"}],
                "purl": root,
                "properties": [{"name": "eksact:target", "value": target}],
            },
        },
        "components": components,
        "dependencies": dependencies,
    }
    # Of the content, so that the same content has the same number.
    content = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, content)}"
    return json.dumps(document, indent=2) + "\n"

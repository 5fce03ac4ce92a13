"""The bed's own authority: a root, an intermediate and the certificates of its servers.

Made anew for every bed, so nothing secret is ever shared or committed. The chain that the AWS hosts serve is leaf and intermediate,
as on EKS: the thumbprint of the OIDC provider is the intermediate's.
"""

import datetime
import hashlib
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A bed lives for minutes; a year leaves room for one that somebody forgot.
LIFETIME = datetime.timedelta(days=365)
# Clocks of containers and hosts differ a little.
BACKDATE = datetime.timedelta(hours=2)


class Issued:
    """A certificate with its private key."""

    def __init__(self, certificate, key):
        self.certificate = certificate
        self.key = key

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self):
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    @property
    def thumbprint(self):
        """SHA-1 of the DER form, in lower-case hex: the form in which IAM keeps it."""
        return hashlib.sha1(self.certificate.public_bytes(serialization.Encoding.DER)).hexdigest()


def _subject(common_name, organization=None):
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization:
        parts.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(parts)


def _issue(subject, key, issuer, extensions):
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATE)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    authority = (issuer.key if issuer else key).public_key()
    builder = builder.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Issued(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def authority(common_name, issuer=None):
    """A certificate authority: the root without `issuer`, else an intermediate."""
    usage = x509.KeyUsage(
        digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, encipher_only=False, decipher_only=False,
    )
    constraints = x509.BasicConstraints(ca=True, path_length=0 if issuer else 1)
    key = ec.generate_private_key(ec.SECP256R1())
    return _issue(_subject(common_name), key, issuer, [(constraints, True), (usage, True)])


def leaf(common_name, issuer, names=(), organization=None, client=False):
    """A server certificate for `names` (host names and IP addresses), or a client certificate."""
    usage = ExtendedKeyUsageOID.CLIENT_AUTH if client else ExtendedKeyUsageOID.SERVER_AUTH
    extensions = [
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (x509.ExtendedKeyUsage([usage]), False),
    ]
    if names:
        extensions.append((x509.SubjectAlternativeName([_general_name(name) for name in names]), False))
    key = ec.generate_private_key(ec.SECP256R1())
    return _issue(_subject(common_name, organization), key, issuer, extensions)


def _general_name(name):
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def signing_key():
    """The RSA key that service account tokens are signed with; EKS uses RS256."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def aws_names(regions):
    """Every host name that a client of the bed may ask for, in the given regions.

    A wildcard stands for one label only, so the issuer's host has to be named.
    """
    names = ["localhost", "127.0.0.1", "*.amazonaws.com", "*.amazonaws.com.cn", "iam.us-gov.amazonaws.com"]
    for region in regions:
        suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        names += [f"*.{region}.{suffix}", f"oidc.eks.{region}.{suffix}"]
    return names


def write(path, content, secret=False):
    """Write bytes; a secret only for its owner, from the first moment on."""
    path = Path(path)
    if secret:
        path.touch(mode=0o600)
    path.write_bytes(content)
    return path


def write_all(folder, regions):
    """Make everything a bed needs below `folder` and give the paths and the thumbprint."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    root = authority("eksact test bed root")
    intermediate = authority("eksact test bed intermediate", root)
    aws = leaf("amazonaws.com", intermediate, aws_names(regions))
    server = leaf("kube-apiserver", root, ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc"])
    admin = leaf("bed-admin", root, organization="system:masters", client=True)
    signer = signing_key()
    public = signer.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    private = signer.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "thumbprint": intermediate.thumbprint,
        "ca": str(write(folder / "ca.pem", root.pem)),
        "aws_chain": str(write(folder / "aws-chain.pem", aws.pem + intermediate.pem)),
        "aws_key": str(write(folder / "aws-key.pem", aws.key_pem, secret=True)),
        "server_certificate": str(write(folder / "apiserver.pem", server.pem)),
        "server_key": str(write(folder / "apiserver-key.pem", server.key_pem, secret=True)),
        "admin_certificate": str(write(folder / "admin.pem", admin.pem)),
        "admin_key": str(write(folder / "admin-key.pem", admin.key_pem, secret=True)),
        "signing_key": str(write(folder / "service-account-key.pem", private, secret=True)),
        "signing_public_key": str(write(folder / "service-account.pem", public)),
    }

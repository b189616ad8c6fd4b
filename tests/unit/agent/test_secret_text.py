# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the place of a secret and is none: another tool's pointers, and what storing a value added."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.praxis.cloud.plugins.module_utils.agent.secret_text import carried, pointer
from ansible_collections.praxis.cloud.plugins.module_utils.secrets.grammar import parse

#: A pointer of another tool, a word of what it is called, and a word of how it is written here.
POINTERS = [
    ("arn:aws:secretsmanager:eu-west-1:123456789012:secret:agent-AbCdEf:KEY::", "AWS Secrets Manager", "aws-sm://"),
    ("arn:aws-cn:secretsmanager:cn-north-1:123456789012:secret:agent-AbCdEf", "AWS Secrets Manager", "aws-sm://"),
    ("arn:aws:ssm:eu-west-1:123456789012:parameter/agent", "parameter", "ssm_parameter"),
    ("arn:aws:s3:::a-bucket/agent.env", "an ARN", "aws-sm://"),
    ("arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/0000", "an ARN", "aws-sm://"),
    ("s3://a-bucket/openai.key", "bucket", "gcp-sm://"),
    ("gs://a-bucket/openai.key", "bucket", "gcp-sm://"),
    ("EJ[1:abc=:def=:ghi=]", "ejson", "Decrypt"),
    ("ssm:/agent/key", "parameter", "ssm_parameter"),
    ("resolve:ssm-secure:agent:1", "parameter", "ssm_parameter"),
    ("awsssm:///agent/key", "parameter", "ssm_parameter"),
    ("resolve:secretsmanager:agent:SecretString:KEY", "AWS Secrets Manager", "aws-sm://"),
    ("secretsmanager:agent", "AWS Secrets Manager", "aws-sm://"),
    ("projects/a-project/secrets/agent/versions/latest", "Google Secret Manager", "gcp-sm://"),
    ("projects/123/locations/europe-west3/secrets/agent/versions/3", "regional secret", "not supported"),
    ("https://secretmanager.europe-west3.rep.googleapis.com/v1/projects/p/locations/europe-west3/secrets/agent",
     "regional secret", "not supported"),
    ("//secretmanager.googleapis.com/projects/p/secrets/agent", "Google Secret Manager", "gcp-sm://"),
    ("sm://a-project/agent", "Google Secret Manager", "gcp-sm://"),
    ("ref+awssecrets://agent#/key", "vals", "lookup"),
    ("vault:secret/data/agent#KEY", "HashiCorp Vault", "lookup"),
    (">>vault:secret/data/agent#KEY", "HashiCorp Vault", "lookup"),
    ("vault://secret/agent", "HashiCorp Vault", "lookup"),
    ("vault:v1:8SDd3WHDOjf7mq69CyCqYjBXAiQQAVZRkFM13ok481zoCmHnSeDX9vyf7w==", "transit", "Decrypt"),
    ("op://vault/item/field", "1Password", "lookup"),
    ("bws://0000", "password manager", "lookup"),
    ("@Microsoft.KeyVault(SecretUri=https://a.vault.azure.net/secrets/b)", "Azure", "lookup"),
    ("https://a.vault.azure.net/secrets/b", "Azure", "lookup"),
    ("k8s://namespace/secret#key", "Kubernetes", "lookup"),
    ("secretKeyRef: {name: agent, key: KEY}", "Kubernetes", "lookup"),
    ("/run/secrets/openai", "path", "builtin.file"),
    ("file:///etc/openai", "path", "builtin.file"),
    ("$OPENAI_API_KEY", "variable", "builtin.env"),
    ("$(OPENAI_API_KEY)", "variable", "builtin.env"),
    ("env://OPENAI_API_KEY", "variable", "builtin.env"),
    ("${{ secrets.OPENAI_API_KEY }}", "template", "reference"),
    ("{{ lookup('env', 'OPENAI_API_KEY') }}", "template", "reference"),
    ("<%= ENV['OPENAI_API_KEY'] %>", "template", "reference"),
    ("$ANSIBLE_VAULT;1.1;AES256\n6638\n", "Ansible Vault", "!vault"),
    ("!vault |\n$ANSIBLE_VAULT;1.1;AES256\n6638\n", "tag", "outside of quotes"),
    ("!unsafe {{resolve", "tag", "outside of quotes"),
    ("ENC[AES256_GCM,data:abc=,iv:def=,tag:g==,type:str]", "sops", "Decrypt"),
    ("ENC[PKCS7,MIIBeQYJ]", "eyaml", "Decrypt"),
    ("ENC(x1Xi9a)", "Jasypt", "Decrypt"),
    ("${ssm:/agent/key}", "parameter", "ssm_parameter"),
    ("${ssm-secure:agent}", "parameter", "ssm_parameter"),
    ("parameterstore:/agent/key", "parameter", "ssm_parameter"),
    ("aws_secretsmanager://agent", "AWS Secrets Manager", "aws-sm://"),
    ("aws_sm://agent", "AWS Secrets Manager", "aws-sm://"),
    ("gcp_sm://p/n", "Google Secret Manager", "gcp-sm://"),
    ("google-sm://p/n", "Google Secret Manager", "gcp-sm://"),
    ("<path:secret/data/agent#key>", "HashiCorp Vault", "lookup"),
    ("openbao://secret/agent", "HashiCorp Vault", "lookup"),
    ("hvac://secret/agent", "HashiCorp Vault", "lookup"),
    ("bao:secret/agent", "HashiCorp Vault", "lookup"),
    ("chamber://praxis/agent", "password manager", "lookup"),
    ("gopass:praxis/agent", "password manager", "lookup"),
    ("azurekeyvault://agent", "Azure", "lookup"),
    ("~/.config/openai", "path", "builtin.file"),
    ("./secrets/openai.txt", "path", "builtin.file"),
    ("@/etc/openai.key", "path", "builtin.file"),
    ("env:OPENAI_API_KEY", "variable", "builtin.env"),
    ("${OPENAI_API_KEY}", "variable", "builtin.env"),
    ("${OPENAI_API_KEY:-none}", "template", "reference"),
    ("%OPENAI_API_KEY%", "variable", "builtin.env"),
    ("$(pass show openai)", "a command", "builtin.pipe"),
    ("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "placeholder", "the secret itself"),
    ("********", "placeholder", "the secret itself"),
    ("<OPENAI_API_KEY>", "placeholder", "the secret itself"),
    ("changeme", "placeholder", "the secret itself"),
    ("REPLACE-ME", "placeholder", "the secret itself"),
    ("your-api-key-here", "placeholder", "the secret itself"),
    ("None", "placeholder", "the secret itself"),
    ("/aws/reference/secretsmanager/agent", "Parameter Store", "aws-sm://"),
    ("secretsmanager/agent", "AWS Secrets Manager", "aws-sm://"),
    ("${secretsmanager:agent:KEY}", "AWS Secrets Manager", "aws-sm://"),
    ("aws:sm:agent", "AWS Secrets Manager", "aws-sm://"),
    ("aws-secret:agent", "AWS Secrets Manager", "aws-sm://"),
    ("aws_ssm:/agent/key", "parameter", "ssm_parameter"),
    ("gcp:secretmanager/p/agent", "Google Secret Manager", "gcp-sm://"),
    ("gcp:secret:projects/p/secrets/agent", "Google Secret Manager", "gcp-sm://"),
    ("secret-manager:agent", "Google Secret Manager", "gcp-sm://"),
    ("${sm@p/agent}", "Google Secret Manager", "gcp-sm://"),
    ("<vault:secret/data/agent#key>", "HashiCorp Vault", "lookup"),
    ("1password://vault/item", "1Password", "lookup"),
    ("keepass://agents/openai", "password manager", "lookup"),
    ("infisical:OPENAI", "password manager", "lookup"),
    ("azure:keyvault:agent", "Azure", "lookup"),
    ("akv:agent", "Azure", "lookup"),
    ("secretref:openai", "Kubernetes", "lookup"),  # Azure Container Apps
    ("file:/etc/openai", "path", "builtin.file"),
    ("${file:/etc/openai}", "path", "builtin.file"),
    ("/vault/secrets/openai", "path", "builtin.file"),
    ("/mnt/secrets-store/openai", "path", "builtin.file"),
    ("C:\\keys\\openai.txt", "path", "builtin.file"),
    ("${env:OPENAI_API_KEY}", "variable", "builtin.env"),
    ("process.env.OPENAI_API_KEY", "variable", "builtin.env"),
    ("secrets.OPENAI_API_KEY", "variable", "builtin.env"),
    ('os.environ["OPENAI_API_KEY"]', "variable", "builtin.env"),
    ('os.getenv("OPENAI_API_KEY")', "variable", "builtin.env"),
    ("@@OPENAI_API_KEY@@", "placeholder", "the secret itself"),
    ("__OPENAI_API_KEY__", "placeholder", "the secret itself"),
    ("#{OPENAI_API_KEY}#", "placeholder", "the secret itself"),
    ("<insert your key here>", "placeholder", "the secret itself"),
    ("sk-xxxxxxxxxxxx", "placeholder", "the secret itself"),
    ("sk-...", "placeholder", "the secret itself"),
    ("sk-your-key", "placeholder", "the secret itself"),
    ("(sensitive value)", "placeholder", "the secret itself"),  # Terraform
    ("[REDACTED]", "placeholder", "the secret itself"),
    ("CHANGE_THIS", "placeholder", "the secret itself"),
    ("TODO", "placeholder", "the secret itself"),
    ("%{vault.openai}", "template", "reference"),
    ("{cipher}682bc583f4641835fa2db009355293665d2647dade3375c0ee201de2a49f7bda", "Spring", "Decrypt"),
    ("AQICAH" + 40 * "abCD" + "==", "AWS KMS", "Decrypt"),
    ("-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n-----END AGE ENCRYPTED FILE-----\n", "encrypted", "Decrypt"),
]  # fmt: skip
#: Values that are meant: keys, passwords, URLs, documents.
MEANT = [
    "sk-live-12345", "sk-proj-a_b-c", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "AKIAIOSFODNN7EXAMPLE",
    "postgres://user:pa$$word@db.example.com/agent?sslmode=require", "https://user:token@example.com/hook",
    "correct horse battery staple", "p@ss:word/with#marks", "vault-of-secrets", "vault: of ages", "secret", "arn:x",
    "a{{ 6 * 7 }}b", "{{half", "$2y$10$abcdefghijklmnopqrstuv", "$ecret", "operator", "ENCRYPTED", "!important",
    "${half", "$(half", "%41%42", "<a@b>", "nonesuch", "./", "~tilde", "changeme-not", "env: x", "100%",
    "b'half", "pass:word", "dummy", "placeholder", "xxxx", "not-needed", "environment", "secrets", "__init__", "#{",
    "sm", "AQICAHalf", "C:\\", "todo", "(a)", "[b]", "envoy.API", "sk-yours", "file-a",
    "=YmFzZTY0==", "it's", 'say "yes" twice', "'tis", "\"a\" and \"b\"", "schlüssel",
    '{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMII\\n"}',
    "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----",
]  # fmt: skip
PEM = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"
#: A value, and what is reported of it.
CARRIED = [
    ("sk-planted\n", "ends in a line break"),
    ("sk-planted\r\n", "ends in a line break"),
    ("sk-planted\r", "ends in a carriage return"),
    ("sk-planted ", "ends in a space"),
    ("\tsk-planted", "begins with a tab"),
    ("\n\nsk-planted", "begins with a line break"),
    ("\ufeffsk-planted", "begins with a byte order mark"),
    ("\ufeff" + PEM, "begins with a byte order mark"),
    ("sk-planted\u200b", "ends in the character U+200B"),
    ("sk-planted\u00a0", "ends in the character U+00A0"),
    ("sk-planted\u200e", "ends in the character U+200E"),
    ("\u2066sk-planted", "begins with the character U+2066"),
    ("sk-planted\x7f", "ends in the character U+007F"),
    ('"""sk-planted"""', "has quotes around it"),
    ('"sk-planted"', "has quotes around it"),
    ("'sk-planted'", "has quotes around it"),
    ("\u201csk-planted\u201d", "has quotes around it"),
    ("OTHER=sk-planted", "begins with the variable's own name"),
    ("export OTHER=sk-planted", "begins with the variable's own name"),
    ("set OTHER=sk-planted", "begins with the variable's own name"),
    ("ENV OTHER=sk-planted", "begins with the variable's own name"),
    ("$env:OTHER='sk-planted'", "begins with the variable's own name"),
    ("other = sk-planted", "begins with the variable's own name"),
    ("sk-planted\\n", "ends in a line break that is written as two characters"),
    ("sk-planted\\r\\n", "ends in a line break that is written as two characters"),
    ("b'sk-planted'", "is bytes as Python prints them"),
    ("\x1b[0msk-planted", "holds an escape sequence of a terminal"),
    ('{"OTHER": "sk-planted", "MORE": "x"}', "is a JSON object with the variable's name among its keys: name the key"),
    ('{"OTHER": "sk-planted"}\n', "is a JSON object with the variable's name among its keys: name the key"),
    ("    ", "holds nothing but blanks"),
    ("\n\n\n\n", "holds nothing but blanks"),
]


@pytest.mark.parametrize("around", ["%s", "%s\n", " %s"], ids=["plain", "with a line break", "with a space"])
def test_another_tool_s_pointer_is_known(around: str) -> None:
    for text, kind, fix in POINTERS:
        assert parse(text) is None, text  # else our own grammar speaks of it
        found = pointer(around % text)
        assert found is not None, text
        assert kind in found[0], text
        assert fix in found[1], text


@pytest.mark.parametrize("value", MEANT)
def test_a_value_that_is_meant_is_left_alone(value: str) -> None:
    assert pointer(value) is None
    assert carried("OTHER", value) == ""


@pytest.mark.parametrize(("value", "words"), CARRIED, ids=[repr(value) for value, _words in CARRIED])
def test_what_storing_added_is_called_by_its_name(value: str, words: str) -> None:
    assert carried("OTHER", value) == words


@pytest.mark.parametrize("document", [PEM, PEM.replace("\n", "\r\n"), " " + PEM, '{"a": 1}\n', '[1, 2]\r\n'])
def test_a_document_may_end_in_a_line_break(document: str) -> None:
    assert carried("OTHER", document) == ""


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("sk-one\nsk-two", "a line break, which an HTTP header cannot hold"),
        (PEM, "a line break, which an HTTP header cannot hold"),
        ("sk-\u200bplanted", "the character U+200B, which an HTTP header cannot hold"),
        ("sk-planté", "a letter beyond ASCII, which an HTTP header cannot hold"),
        ("sk-planted # of the staging account", "holds a comment"),
        ("OPENAI_API_KEY sk-planted", "the variable's own name"),
        ('sk-planted"', "a mark that is not part of a key"),
        ("'sk-planted", "a mark that is not part of a key"),
        ("sk-planted;", "a mark that is not part of a key"),
        ("sk-planted,", "a mark that is not part of a key"),
        (base64.b64encode(b"sk-planted").decode(), "is in base64"),
        (base64.b64encode(b"sk-planted-too\n").decode(), "is in base64"),
        ("Bearer sk-planted", "the word Bearer"),
        ("Authorization: Bearer sk-planted", "the word Bearer"),
        ('{"key": "sk-planted"}', "is a JSON object"),
    ],
)
def test_what_goes_into_a_header_is_one_line_of_ascii(value: str, words: str) -> None:
    assert words in carried("OPENAI_API_KEY", value)


@given(st.text(min_size=1))
def test_no_answer_crashes_and_none_holds_the_value(value: str) -> None:
    pointer(value)
    assert len(carried("OPENAI_API_KEY", value)) < 80
    assert "planted" not in carried("OPENAI_API_KEY", "planted" + value + "planted")


@given(st.from_regex(r"[A-Za-z0-9_+/=-]{8,40}", fullmatch=True).filter(lambda value: not value.startswith("/")))
def test_no_key_of_an_api_is_taken_for_a_pointer(value: str) -> None:
    assert pointer(value) is None
    assert carried("A_B_C_D_E", value) == ""

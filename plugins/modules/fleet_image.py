#!/usr/bin/python
# Copyright: (c) 2026, Praxis Cloud contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation only: the work is done by plugins/action/fleet_image.py on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_image
short_description: Build the agent's image, or copy it, into a registry
version_added: 0.1.0
author: Praxis Cloud contributors (@praxis)
description:
  - Builds an image from a directory or a git repository, or copies one from another registry with all its
    architectures under the same digest, and gives it a tag.
  - By choice it also writes down what is in the image (SBOM), and signs it.
  - What is built also gets a tag that stands for its content, C(src-) and sixteen digits. While the repository has that
    tag, the same source is not built again.
  - A tag that is another image already is refused, unless O(move).
  - Logins are those with which a deployment pulls. They reach the programs in memory, never in an argument or a file.
requirements:
  - Linux on the controller, and there C(skopeo); for building also C(docker) and C(git); C(syft) for O(sbom), C(cosign)
    for O(sign)
extends_documentation_fragment:
  - praxis.cloud.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  name:
    description: What the image is to be called, V(HOST/REPOSITORY:TAG). Without a tag it is V(latest).
    type: str
    required: true
  source:
    description:
      - A directory, or a git repository as V(https://HOST/REPOSITORY.git#BRANCH:DIRECTORY). A branch or tag is the
        commit that it is when this runs. Its history (C(.git)) is no part of what is built.
      - A login in the URL (V(https://USER:TOKEN@HOST/…)) reaches git in the environment, and is shown nowhere. It takes
        git 2.31 on the controller.
    type: str
    default: ''
  copy_from:
    description: The image that is copied.
    type: str
    default: ''
  file:
    description: The Dockerfile, by its path in the source. Docker's own default when empty.
    type: str
    default: ''
  stage:
    description: The stage of the Dockerfile that is built; the last when empty.
    type: str
    default: ''
  build_arguments:
    description: Build arguments. They are part of the image, so no place for secrets.
    type: dict
    default: {}
  platforms:
    description:
      - V(linux/amd64), V(linux/arm64). The engine's own when empty.
      - Several need Docker's buildx with a builder that exports OCI archives.
    type: list
    elements: str
    default: []
  move:
    description: Whether the tag may be taken from another image. A repository that was made here never lets it move.
    type: bool
    default: false
  sbom:
    description:
      - A file on the controller that gets a list of what is in the image (SBOM), SPDX in JSON, by C(syft). Of several
        architectures it is that of the controller.
      - A file that is of this image already stays. None is written when empty.
    type: str
    default: ''
  sign:
    description:
      - The private key by which C(cosign) signs the image, a file with its password in C(COSIGN_PASSWORD), or the name
        of one in a KMS (V(awskms://…), V(gcpkms://…)). The signature is beside the image in its registry, and in no
        public log.
      - An image that has a signature by this key is not signed again. Nothing is signed when empty.
    type: str
    default: ''
  keep_untagged:
    description:
      - How many images without a tag a repository keeps that was made here, of ECR or Artifact Registry. An image with
        a tag never expires.
    type: int
    default: 20
  registries:
    description: Logins of your own, as in C(praxis_registries).
    type: list
    elements: raw
    default: []
  region:
    description: The AWS region of bare names of secrets; by default the environment's.
    type: str
    default: ''
  project:
    description: The Google Cloud project; by default the environment's.
    type: str
    default: ''
notes:
  - On ECR and in Artifact Registry a missing repository is made, with scans and tags that do not move. One that is
    there and was not made here is used as it is. Nothing removes a repository. In other registries it has to be there.
"""

EXAMPLES = r"""
- name: Build the agent
  praxis.cloud.fleet_image:
    name: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/praxis-agent:1.2.0
    source: https://git.example.org/praxis.git#v1.2.0

- name: Bring the same image to the other cloud
  praxis.cloud.fleet_image:
    name: europe-west3-docker.pkg.dev/a-project/praxis/praxis-agent:1.2.0
    copy_from: 123456789012.dkr.ecr.eu-central-1.amazonaws.com/praxis-agent:1.2.0
"""

RETURN = r"""
image:
  description: The image by digest, for C(praxis_image). Empty in check mode when it is still to be built.
  type: str
  returned: success
digest:
  description: Its digest, or empty.
  type: str
  returned: success
tag:
  description: The tag that it has.
  type: str
  returned: success
built:
  description: Whether it was built, or would be.
  type: bool
  returned: success
added:
  description: What was added to the image, or would be, V(sbom) and V(signature).
  type: list
  elements: str
  returned: success
repository:
  description: What was done about the repository, as rows of a plan of infrastructure.
  type: list
  elements: dict
  returned: success
"""

# Copyright 2026 inril_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How Sphinx makes the web site: ``sphinx-build -W docs build/site``."""

from pathlib import Path
import re
import sys

_DOCS = Path(__file__).resolve().parent
sys.path[:0] = [str(_DOCS.parent), str(_DOCS / '_extensions')]

project = 'inril_ros'
author = 'inril_ros contributors'
copyright = f'2026 {author}'
release = re.search(r'^version = (.+)$', (_DOCS.parent / 'setup.cfg').read_text(encoding='utf-8'),
                    re.MULTILINE)[1]

extensions = ['myst_parser', 'sphinx.ext.autodoc', 'sphinx.ext.napoleon', 'generated_pages',
              'mathml', 'plain_docstrings']
exclude_patterns = ['studies/import/notes.md']  # a part of import.md
default_role = 'code'
html_math_renderer = 'mathml'

myst_enable_extensions = ['attrs_block', 'colon_fence', 'dollarmath']
myst_heading_anchors = 4

autodoc_default_options = {'members': True, 'undoc-members': False, 'member-order': 'bysource'}
toc_object_entries = False  # each page would carry the whole API in its navigation
autodoc_typehints = 'signature'
autoclass_content = 'both'  # a class and its __init__
napoleon_numpy_docstring = False

html_theme = 'furo'
html_title = f'{project} {release}'
html_static_path = ['_static']
html_css_files = ['inril.css']
html_show_sphinx = False
pygments_style = 'friendly'

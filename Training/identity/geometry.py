"""How a face lies in the crops of the identity network and of its teacher."""

from __future__ import annotations

TEMPLATE = [[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]]
"""Left eye, right eye, nose, left and right mouth corner, [x, y] in pixels of the 112 x 112 crop."""

TO_TEACHER = ((1.2149563, -0.0012018, -3.9480435), (0.0012018, 1.2149563, -5.2067677))
"""From pixels of that crop to those of the teacher's 128 x 128."""

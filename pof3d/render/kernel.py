"""The fast renderer's work on the CPU as one loop nest, compiled by numba.

What :mod:`pof3d.render.fast` says with torch operations on all rays together, ray by ray: between a ray's
entry and its colour nothing is touched but the planes, the decoder's weights and a few hundred numbers.
Exponentials are polynomials that become vector instructions; they are within 10⁻⁶ of the exact ones.

To import this module is to import numba.
"""

from __future__ import annotations

import math

import numpy as np

from pof3d.compiling import BLOCK, ROWS, filled_up
from pof3d.jit import Source, compiled, inlined
from pof3d.memory import LINE_BYTES
from pof3d.render.fast import CORRECTION, LEAST_AT_ENDS, LEAST_BETWEEN, LEAST_SHARE, STEPS
from pof3d.render.field import OUTSIDE_DENSITY
from pof3d.render.volume import DENSITY_SHIFT
from pof3d.scratch import floats, integers, release
from pof3d.vectors import add_rows, blend_rows, dot, fitted, multiply_tile, number_at, prefetch, softplus_row

_f = np.float32  # numba computes with eight bytes wherever a number is not said to have four


_LOWEST = -22.0
"""Below this exp is as good as zero, beside one."""
_SQUARINGS = 5
_FLOOR, _SHRINK = _f(_LOWEST), _f(1.0 / 2**_SQUARINGS)
_E0, _E1, _E2, _E3, _E4, _E5, _E6 = fitted(np.exp, _LOWEST / 2**_SQUARINGS, 0.0, 6)
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8, _L9 = fitted(np.log1p, 0.0, 1.0, 9)
_ZERO, _HALF, _ONE, _TWO = _f(0.0), _f(0.5), _f(1.0), _f(2.0)
_WIDEN, _LOWER = _f(1.002), _f(0.001)
"""The decoder's colours reach a little beyond 0…1 (:class:`~pof3d.render.field.Decoder`)."""


@inlined
def _exp(x):  # type: ignore[no-untyped-def]
    """exp(x) of x ≤ 0."""
    t = max(x, _FLOOR) * _SHRINK
    e = _E0 + t * (_E1 + t * (_E2 + t * (_E3 + t * (_E4 + t * (_E5 + t * _E6)))))
    e *= e
    e *= e
    e *= e
    e *= e
    return e * e


@inlined
def _softplus(x):  # type: ignore[no-untyped-def]
    e = _exp(-abs(x))
    high = _L5 + e * (_L6 + e * (_L7 + e * (_L8 + e * _L9)))
    return max(x, _ZERO) + (_L0 + e * (_L1 + e * (_L2 + e * (_L3 + e * (_L4 + e * high)))))


@inlined
def _sigmoid(x):  # type: ignore[no-untyped-def]
    e = _exp(-abs(x))
    r = _ONE / (_ONE + e)
    return r if x >= _ZERO else e * r


@inlined
def _cell(place, last):  # type: ignore[no-untyped-def]
    """0 … last; of a place that is no number as well."""
    return max(min(int(place), last), 0)


@inlined
def _read(grid, side, x, y, z, inverse):  # type: ignore[no-untyped-def]
    """Trilinear reading of [D, D, D], axes (z, y, x), from −1 / inverse to 1 / inverse; the border
    beyond.
    """
    half, most = _f(side) * _HALF, _f(side - 1)
    scale, middle = inverse * half, half - _HALF
    gx = min(max(x * scale + middle, _ZERO), most)
    gy = min(max(y * scale + middle, _ZERO), most)
    gz = min(max(z * scale + middle, _ZERO), most)
    ix, iy, iz = _cell(gx, side - 2), _cell(gy, side - 2), _cell(gz, side - 2)
    fx, fy, fz = gx - _f(ix), gy - _f(iy), gz - _f(iz)
    first, down, behind = (iz * side + iy) * side + ix, side, side * side
    a0, a1 = number_at(grid, first), number_at(grid, first + 1)
    b0, b1 = number_at(grid, first + down), number_at(grid, first + down + 1)
    first += behind
    c0, c1 = number_at(grid, first), number_at(grid, first + 1)
    d0, d1 = number_at(grid, first + down), number_at(grid, first + down + 1)
    a, b, c, d = a0 + fx * (a1 - a0), b0 + fx * (b1 - b0), c0 + fx * (c1 - c0), d0 + fx * (d1 - d0)
    low, high = a + fy * (b - a), c + fy * (d - c)
    return low + fz * (high - low)


@inlined
def _corrected(light, is_, guess, least):  # type: ignore[no-untyped-def]
    factor = (is_ + least) / (guess + least)
    return light * min(max(factor, _ONE / _f(CORRECTION)), _f(CORRECTION))


def ray_kernel(channels: int, width: int, colours: int) -> Source:
    """Volume rendering of rays, as :func:`pof3d.render.fast.render_rays` does it.

    Sizes are compiled in: what the compiler knows the size of, it keeps in registers. A few rays go together,
    whose samples fill the rows of the matrix product.

    Parameters
    ----------
    channels, width, colours : int
        Of the planes, the decoder's hidden layer and its colours; channels and width are multiples of 16.

    The kernel's ``samples`` are queries of the field for one ray, at least two.
    """
    padded = filled_up(colours)
    least_between, least_ends, least_share = _f(LEAST_BETWEEN), _f(LEAST_AT_ENDS), _f(LEAST_SHARE)
    shift, outside = _f(DENSITY_SHIFT), _f(OUTSIDE_DENSITY)

    @compiled("f2 i n2 f f3 f f2 f3 f1 f1 f f3 f1 f f b f i f2 f2 f2 f1 f1")
    def render(  # type: ignore[no-untyped-def]
        table, side, axes, scale, grid, reach, bounds,
        hidden_weight, hidden_bias, density_weight, density_bias, colour_weight, colour_bias,
        ray_start, ray_end, confined, white, samples,
        origins, directions, colour_out, depth_out, opacity_out,
    ):  # fmt: skip
        together = ROWS // math.gcd(ROWS, samples)
        rows, last = together * samples, samples - 1
        features, hidden, output = floats((rows, channels)), floats((rows, width)), floats((rows, padded))
        features[:] = _ZERO
        corners, rays = integers((rows, 3)), integers((together,))
        shares, numbers, ranges = floats((rows, 3, 4)), floats((5, rows)), floats((3, together))
        depths, raw, known, reached, furthest = numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]
        starts, ends, whole = ranges[0], ranges[1], ranges[2]
        left, between = floats((samples + 2,)), floats((samples,))
        optical, below = floats((STEPS + 1,)), floats((STEPS + 1,))
        stride, cells = side + 2, grid.shape[0]
        half, middle, most = _f(side) * _HALF, _f(side + 1) * _HALF, _f(side + 1)
        filled = 0
        for ray in range(len(origins)):
            ox, oy, oz = origins[ray, 0], origins[ray, 1], origins[ray, 2]
            dx, dy, dz = directions[ray, 0], directions[ray, 1], directions[ray, 2]

            # The part of the ray within what may be dense.
            start, end = ray_start, ray_end
            if confined:
                for axis in range(3):
                    origin, direction = origins[ray, axis], directions[ray, axis]
                    if abs(direction) < _f(1e-9):
                        if origin < bounds[0, axis] or origin > bounds[1, axis]:
                            end = start
                    else:
                        a = (bounds[0, axis] - origin) / direction
                        b = (bounds[1, axis] - origin) / direction
                        start = max(start, min(a, b))
                        end = min(end, max(a, b))
            if end <= start:
                for c in range(colours):
                    colour_out[ray, c] = _TWO * white - _ONE
                depth_out[ray] = ray_end
                opacity_out[ray] = _ZERO
            else:
                # What the grid says about it.
                step, inverse = (end - start) / _f(STEPS), _ONE / reach
                for i in range(STEPS):
                    t = start + (_f(i) + _HALF) * step
                    below[i] = _read(grid.ctypes.data, cells, ox + t * dx, oy + t * dy, oz + t * dz, inverse)
                for i in range(STEPS):
                    below[i] = _softplus(below[i])
                optical[0] = _ZERO
                for i in range(STEPS):
                    optical[i + 1] = optical[i] + below[i] * step
                for i in range(STEPS):
                    light = below[i] * step
                    reached_by = (
                        _exp(-optical[i]) if optical[i] < -_FLOOR else _ZERO
                    )  # the root of little is much
                    below[i] = math.sqrt(reached_by * (light / (_ONE + light))) + least_share
                total = _ZERO
                for i in range(STEPS):
                    mass = below[i]
                    below[i] = total
                    total += mass
                below[STEPS] = total
                starts[filled], ends[filled], whole[filled], rays[filled] = start, end, optical[STEPS], ray

                # Where the samples go, and what of the planes they need.
                k = 0
                for s in range(samples):
                    wanted = (_f(s) + _HALF) / _f(samples) * total
                    while k < STEPS - 1 and below[k + 1] <= wanted:
                        k += 1
                    within = (wanted - below[k]) / (below[k + 1] - below[k])
                    t = start + step * (_f(k) + within)
                    q = filled * samples + s
                    depths[q] = t
                    reached[q] = optical[k] + within * (optical[k + 1] - optical[k])
                    known[q] = _read(grid.ctypes.data, cells, ox + t * dx, oy + t * dy, oz + t * dz, inverse)
                    bx, by, bz = (ox + t * dx) * scale, (oy + t * dy) * scale, (oz + t * dz) * scale
                    furthest[q] = max(abs(bx), abs(by), abs(bz))
                    for plane in range(3):
                        u, v = axes[plane, 0], axes[plane, 1]
                        pu = bx if u == 0 else (by if u == 1 else bz)
                        pv = bx if v == 0 else (by if v == 1 else bz)
                        pu = min(max(pu * half + middle, _ZERO), most)
                        pv = min(max(pv * half + middle, _ZERO), most)
                        iu, iv = _cell(pu, stride - 2), _cell(pv, stride - 2)
                        fu, fv = pu - _f(iu), pv - _f(iv)
                        corner = ((plane * stride + iv) * stride + iu) * channels
                        corners[q, plane] = corner
                        shares[q, plane, 0], shares[q, plane, 1] = (_ONE - fu) * (_ONE - fv), fu * (_ONE - fv)
                        shares[q, plane, 2], shares[q, plane, 3] = (_ONE - fu) * fv, fu * fv
                        first = table.ctypes.data + 4 * corner
                        for line in range(0, 8 * channels, LINE_BYTES):
                            prefetch(first + line)
                            prefetch(first + 4 * channels * stride + line)
                filled += 1
            if filled < together and (ray < len(origins) - 1 or filled == 0):
                continue

            # The planes there, bilinear.
            for q in range(filled * samples):
                place, share = corners[q].ctypes.data, shares[q].ctypes.data
                for c in range(0, channels, BLOCK):
                    into = features[q].ctypes.data + 4 * c
                    blend_rows(table.ctypes.data + 4 * c, place, share, channels, channels * stride, into)

            # The decoder.
            for b in range(width // BLOCK):
                panel = hidden_weight.ctypes.data + 4 * b * channels * BLOCK
                for q in range(0, rows, ROWS):
                    here, there = features[q].ctypes.data, hidden[q].ctypes.data + 4 * b * BLOCK
                    multiply_tile(here, channels, panel, there, width, channels)
            for q in range(rows):
                for b in range(width // BLOCK):
                    place = hidden[q].ctypes.data + 4 * b * BLOCK
                    softplus_row(place, hidden_bias.ctypes.data + 4 * b * BLOCK, place)
            for q in range(filled * samples):
                value = density_bias + dot(hidden[q].ctypes.data, density_weight.ctypes.data, width)
                raw[q] = outside if confined and furthest[q] > _ONE else value - shift
            for b in range(padded // BLOCK):
                panel = colour_weight.ctypes.data + 4 * b * width * BLOCK
                for q in range(0, rows, ROWS):
                    here, there = hidden[q].ctypes.data, output[q].ctypes.data + 4 * b * BLOCK
                    multiply_tile(here, width, panel, there, padded, width)

            # Light.
            for g in range(filled):
                at, target = g * samples, rays[g]
                left[0] = _ZERO
                left[1] = _corrected(reached[at], _softplus(raw[at]), _softplus(known[at]), least_ends)
                for s in range(1, samples):
                    q = at + s
                    span = depths[q] - depths[q - 1]
                    found = _softplus(_HALF * (raw[q] + raw[q - 1])) * span
                    guessed = _softplus(_HALF * (known[q] + known[q - 1])) * span
                    between[s] = _corrected(found, reached[q] - reached[q - 1], guessed, least_between)
                for s in range(1, samples):
                    left[s + 1] = left[s] + between[s]
                q = at + last
                behind = max(whole[g] - reached[q], _ZERO)
                behind = _corrected(behind, _softplus(raw[q]), _softplus(known[q]), least_ends)
                left[samples + 1] = left[samples] + behind
                for s in range(samples + 2):
                    left[s] = _exp(-left[s])
                opacity = _ONE - left[samples + 1]
                mean = (left[0] - left[1]) * (starts[g] + depths[at])
                mean += (left[samples] - left[samples + 1]) * (depths[q] + ends[g])
                for s in range(1, samples):
                    mean += (left[s] - left[s + 1]) * (depths[at + s - 1] + depths[at + s])
                for c in range(colours):
                    colour_out[target, c] = white * (_ONE - opacity)
                for s in range(samples):
                    before, after = left[s] - left[s + 1], left[s + 1] - left[s + 2]
                    share = _HALF * (before + after)
                    if s == 0:
                        share += _HALF * before
                    if s == last:
                        share += _HALF * after
                    for c in range(colours):
                        seen = _sigmoid(output[at + s, c] + colour_bias[c])
                        colour_out[target, c] += share * (_WIDEN * seen - _LOWER)
                for c in range(colours):
                    colour_out[target, c] = _TWO * colour_out[target, c] - _ONE
                middle_of_light = _HALF * mean / opacity if opacity > _ZERO else ray_end
                depth_out[target] = min(max(middle_of_light, ray_start), ray_end)
                opacity_out[target] = opacity
            filled = 0
        for room in (features, hidden, output, numbers, ranges):
            release(room)
        for line in (left, between, optical, below):
            release(line)
        release(shares)
        release(corners)
        release(rays)

    return render


def density_kernel(width: int) -> Source:
    """Raw densities − 1 on a grid, as :func:`pof3d.render.lattice.lattice` gives them.

    Parameters
    ----------
    width : int
        Of the decoder's hidden layer.
    """
    shift = _f(DENSITY_SHIFT)

    @compiled("f3 f3 f3 f1 f f3")
    def fill(xy, xz, yz, weight, bias, values):  # type: ignore[no-untyped-def]
        size = xy.shape[1]
        hidden = floats((width,))
        for i in range(len(xy)):
            for j in range(size):
                for k in range(size):
                    first, second, third = xy[i, j].ctypes.data, xz[i, k].ctypes.data, yz[j, k].ctypes.data
                    for at in range(0, 4 * width, 4 * BLOCK):
                        place = hidden.ctypes.data + at
                        add_rows(first + at, second + at, place)
                        softplus_row(place, third + at, place)
                    values[i, j, k] = dot(hidden.ctypes.data, weight.ctypes.data, width) + bias - shift
        release(hidden)

    return fill

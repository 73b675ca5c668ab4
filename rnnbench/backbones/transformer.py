"""One block of the transformer (Vaswani et al. 2017, arXiv 1706.03762): a reference, and not recurrent.

B rows, T time steps, H hidden size, N heads, D size of a head, C past steps kept, S steps in sight (C + T).
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.errors import at_least
from rnnbench.scan.product import Linear

Cache = tuple[Tensor, Tensor, Tensor]
"""Keys and values [B, N, C, D] of the last steps, the latest last, and how many of them there are [B]."""


class Transformer(Backbone):
    """Transformer block, a reference that is not recurrent: attends to itself and `context` steps before (1706.03762).

    a = x + W_o [softmax(q k^T / sqrt(D)) v] with q, k, v = W LN(x); y = a + W_2 relu(W_1 LN(a) + b_1) + b_2. Norms
    come first, which needs no warm-up (2002.04745). Queries and keys are turned by their place (rotary, 2104.09864),
    counted within what is in sight: only distances matter, so that a stream may go on for ever. Residuals, norms and
    the MLP, 4 H wide, are part of it; dropout is not. Blocks are stacked by stack.num_layers; a linear map brings x to
    size where sizes differ. Glorot weights, zero biases. The state is the keys and values of the last steps.
    """

    primitive = "attention (not recurrent)"

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4, context: int = 128) -> None:
        super().__init__()
        at_least(1, input_size=input_size, hidden_size=hidden_size, heads=heads, context=context)
        if hidden_size % (2 * heads):
            raise ValueError(f"hidden_size {hidden_size} must be a multiple of 2 * heads = {2 * heads}")
        self.output_size = hidden_size
        self.heads, self.context = heads, context
        same = input_size == hidden_size
        self.inner = nn.Identity() if same else Linear(input_size, hidden_size, bias=False)
        self.attention_norm, self.mlp_norm = nn.LayerNorm(hidden_size), nn.LayerNorm(hidden_size)
        self.query_key_value = Linear(hidden_size, 3 * hidden_size, bias=False)
        self.out = Linear(hidden_size, hidden_size, bias=False)
        self.mlp = nn.Sequential(Linear(hidden_size, 4 * hidden_size), nn.ReLU(), Linear(4 * hidden_size, hidden_size))
        self._initialize()

    def _initialize(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Linear):
                for block in module.weight.detach().chunk(3 if module is self.query_key_value else 1):
                    nn.init.xavier_uniform_(block)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def initial_state(self, batch_size: int) -> Cache:
        shape = (batch_size, self.heads, self.context, self.output_size // self.heads)
        return self.zeros(*shape), self.zeros(*shape), self.zeros(batch_size).long()

    def step(self, x_BI: Tensor, state: Cache) -> tuple[Tensor, Cache]:
        before_k, before_v, count_B = state
        x_BH = self.inner(x_BI)
        q_BND, k_BND, v_BND = (
            self.query_key_value(self.attention_norm(x_BH)).unflatten(-1, (3, self.heads, -1)).unbind(1)
        )
        k_BNSD, v_BNSD = _append(before_k, k_BND[:, :, None]), _append(before_v, v_BND[:, :, None])
        scores_BNS = (rotate(k_BNSD) @ rotate(q_BND[:, :, None], self.context).mT)[..., 0] / k_BND.shape[-1] ** 0.5
        absent_BS = torch.arange(self.context + 1, device=x_BI.device) < self.context - count_B[:, None]
        weights_BNS = scores_BNS.masked_fill(absent_BS[:, None], -torch.inf).softmax(-1)
        attended_BND = (weights_BNS[:, :, None] @ v_BNSD)[:, :, 0]
        after = (k_BNSD[:, :, 1:], v_BNSD[:, :, 1:], (count_B + 1).clamp(max=self.context))
        return self._rest(x_BH, attended_BND.flatten(1)), after

    def forward(self, x_BTI: Tensor, state: Cache | None = None) -> tuple[Tensor, Cache]:
        before_k, before_v, count_B = self.initial_state(len(x_BTI)) if state is None else state
        x_BTH = self.inner(x_BTI)
        qkv_BTND = self.query_key_value(self.attention_norm(x_BTH)).unflatten(-1, (3, self.heads, -1)).unbind(2)
        q_BNTD, k_BNTD, v_BNTD = (part.transpose(1, 2) for part in qkv_BTND)
        k_BNSD, v_BNSD = _append(before_k, k_BNTD), _append(before_v, v_BNTD)
        attended_BNTD = self._attend(rotate(q_BNTD, self.context), rotate(k_BNSD), v_BNSD, count_B)
        steps, last = x_BTI.shape[1], slice(-self.context, None)
        after = (k_BNSD[:, :, last], v_BNSD[:, :, last], (count_B + steps).clamp(max=self.context))
        return self._rest(x_BTH, attended_BNTD.transpose(1, 2).flatten(2)), after

    def _attend(self, q_BNTD: Tensor, k_BNSD: Tensor, v_BNSD: Tensor, count_B: Tensor) -> Tensor:
        """Attention of each step to itself and the `context` before, so many steps at a time: cost is linear in T."""
        parts = []
        for start, q_BNtD in zip(range(0, q_BNTD.shape[2], self.context), q_BNTD.split(self.context, 2), strict=True):
            steps = q_BNtD.shape[2]
            sight = slice(start, start + steps + self.context)
            k_BNsD, v_BNsD = k_BNSD[:, :, sight], v_BNSD[:, :, sight]
            place_s = torch.arange(k_BNsD.shape[2], device=q_BNTD.device)
            ago_ts = torch.arange(steps, device=q_BNTD.device)[:, None] + self.context - place_s
            there_B1s = place_s + start >= self.context - count_B[:, None, None]
            mask_B1ts = ((ago_ts >= 0) & (ago_ts <= self.context) & there_B1s)[:, None]
            parts.append(nn.functional.scaled_dot_product_attention(q_BNtD, k_BNsD, v_BNsD, attn_mask=mask_B1ts))
        return torch.cat(parts, dim=2)

    def _rest(self, x: Tensor, attended: Tensor) -> Tensor:
        """What follows attention, at every step by itself."""
        a = x + self.out(attended)
        return a + self.mlp(self.mlp_norm(a))


def rotate(x_BNTD: Tensor, first: int = 0) -> Tensor:
    """Turns pairs (j, j + D/2) of each step by its place times 10000^(-2j/D); `first` is the place of the first."""
    half = x_BNTD.shape[-1] // 2
    kind = torch.promote_types(x_BNTD.dtype, torch.float32)
    places_T1 = torch.arange(first, first + x_BNTD.shape[-2], device=x_BNTD.device, dtype=kind)[:, None]
    angles_TD = places_T1 * 10000 ** (-torch.arange(half, device=x_BNTD.device, dtype=kind) / half)
    cos_TD, sin_TD = angles_TD.cos().to(x_BNTD.dtype), angles_TD.sin().to(x_BNTD.dtype)
    a, b = x_BNTD[..., :half], x_BNTD[..., half:]
    return torch.cat([a * cos_TD - b * sin_TD, a * sin_TD + b * cos_TD], dim=-1)


def _append(before_BNCD: Tensor, now_BNTD: Tensor) -> Tensor:
    return torch.cat([before_BNCD, now_BNTD], dim=2)

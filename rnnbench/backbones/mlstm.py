"""The matrix LSTM of xLSTM (Beck et al. 2024, arXiv 2405.04517).

B rows, T time steps, I input size, H hidden size, n heads, K head size; M = K + 1, values and a 1.
"""

import torch
from torch import Tensor, nn

from rnnbench.backbone import Backbone
from rnnbench.backbones.heads import head_size, split, zero_state
from rnnbench.scan.matrix import matrix_scan, outer, read
from rnnbench.scan.product import Linear

MLSTMState = tuple[Tensor, Tensor, Tensor]
"""C [B, n, K, K], n [B, n, K], m [B, n]: memory, normaliser, and the log of what both are divided by."""


class MLSTM(Backbone):
    """Matrix LSTM: memory of keys and values, exponential input gate, normaliser (Beck et al. 2024, equations 19-27).

    C_t = f C_{t-1} + i k' v, n_t = f n_{t-1} + i k, h_t = q C_t / max(|q n_t|, 1), y_t = W_y (sigma(W_o x + b_o) *
    norm(h_t)), with i = exp(w_i x + b_i), f = sigma(w_f x + b_f), k = (W_k x + b_k) / sqrt(K). C and n are kept divided
    by exp(m_t), m_t = max(log f + m_{t-1}, log i), which makes the 1 an exp(-m_t) and changes nothing else. The norm is
    each head's own, with a weight a channel. Output gate, norm and projections are part of this block; the convolution
    and the outer gate of the paper's wider block are not; norm and residual around it are the stack's. w_i and w_f
    begin at 0, b_f from 3 to 6 over the heads, b_i normal with deviation 0.1, other biases at 0, other weights as
    torch.nn.Linear's.

    Args:
        heads: must divide `hidden_size`.
    """

    primitive = "matrix state"
    version = 2

    def __init__(self, input_size: int, *, hidden_size: int = 128, heads: int = 4) -> None:
        super().__init__()
        self.head_size = head_size(hidden_size, heads)
        self.output_size, self.heads = hidden_size, heads
        self.project = Linear(input_size, 4 * hidden_size)
        self.gates = Linear(input_size, 2 * heads)
        self.weight = nn.Parameter(torch.ones(heads, self.head_size))
        self.out = Linear(hidden_size, hidden_size, bias=False)
        nn.init.zeros_(self.project.bias)
        nn.init.zeros_(self.gates.weight)
        with torch.no_grad():
            self.gates.bias[:heads].normal_(std=0.1)
            self.gates.bias[heads:] = torch.linspace(3, 6, heads)

    def initial_state(self, batch_size: int) -> MLSTMState:
        shape = (batch_size, self.heads, self.head_size)
        return zero_state(self, *shape, self.head_size), zero_state(self, *shape), zero_state(self, *shape[:2])

    def step(self, x_BI: Tensor, state: MLSTMState) -> tuple[Tensor, MLSTMState]:
        c_BnKK, n_BnK, m_Bn = state
        q_BnK, k_BnK, v_BnK, o_BnK = self._project(x_BI)
        log_i_Bn, log_f_Bn = self._gates(x_BI, m_Bn)
        now_Bn = torch.maximum(log_f_Bn + m_Bn, log_i_Bn)
        f_Bn1, i_Bn1 = torch.exp(log_f_Bn + m_Bn - now_Bn)[..., None], torch.exp(log_i_Bn - now_Bn)[..., None]
        c_BnKK = f_Bn1[..., None] * c_BnKK + outer(i_Bn1 * k_BnK, v_BnK)
        n_BnK = f_Bn1 * n_BnK + i_Bn1 * k_BnK
        reading_Bn = (q_BnK * n_BnK).sum(-1)
        return self._output(read(q_BnK, c_BnKK), reading_Bn, now_Bn, o_BnK), (c_BnKK, n_BnK, now_Bn)

    def forward(self, x_BTI: Tensor, state: MLSTMState | None = None) -> tuple[Tensor, MLSTMState]:
        c_BnKK, n_BnK, m_Bn = self.initial_state(len(x_BTI)) if state is None else state
        q_BTnK, k_BTnK, v_BTnK, o_BTnK = self._project(x_BTI)
        log_i_BTn, log_f_BTn = self._gates(x_BTI, m_Bn)
        m_BTn = stabilizer(log_i_BTn, log_f_BTn, m_Bn)
        before_BTn = torch.cat([m_Bn[:, None], m_BTn[:, :-1]], dim=1)
        one_BTn1 = torch.ones_like(v_BTnK[..., :1])
        h_BTnM, cn_BnKM = matrix_scan(
            q_BTnK.to(m_Bn.dtype),
            torch.exp(log_i_BTn - m_BTn)[..., None] * k_BTnK,
            torch.cat([v_BTnK, one_BTn1], dim=-1).to(m_Bn.dtype),
            log_f_BTn + before_BTn - m_BTn,
            torch.cat([c_BnKK, n_BnK[..., None]], dim=-1),
        )
        y_BTH = self._output(h_BTnM[..., :-1], h_BTnM[..., -1], m_BTn, o_BTnK)
        return y_BTH, (cn_BnKM[..., :-1], cn_BnKM[..., -1], m_BTn[:, -1])

    def _project(self, x: Tensor) -> tuple[Tensor, ...]:
        q, k, v, o = (split(part, self.heads) for part in self.project(x).chunk(4, dim=-1))
        return q, k * self.head_size**-0.5, v, torch.sigmoid(o)

    def _gates(self, x: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Logs of input and forget gate, [..., n]."""
        log_i, f = self.gates(x).to(like.dtype).chunk(2, dim=-1)
        return log_i, nn.functional.logsigmoid(f)

    def _output(self, read_nK: Tensor, reading_n: Tensor, m_n: Tensor, o_nK: Tensor) -> Tensor:
        floor_n = torch.exp(-m_n.clamp(min=-60))  # below that h is 0 in any case, and exp would overflow
        h_nK = read_nK / torch.maximum(reading_n.abs(), floor_n)[..., None]
        normal_nK = nn.functional.layer_norm(h_nK, h_nK.shape[-1:], eps=1e-5).to(o_nK.dtype)
        return self.out((o_nK * self.weight * normal_nK).flatten(-2))


def stabilizer(log_i_BTn: Tensor, log_f_BTn: Tensor, m_Bn: Tensor) -> Tensor:
    """m_t = max(log f_t + m_{t-1}, log i_t) for all t at once, [B, T, n].

    With F the sum of log f this is F_t + max(m_0, max_s (log i_s - F_s)); in float64, since F grows with T.
    """
    sum_BTn = log_f_BTn.double().cumsum(1)
    highest_BTn = (log_i_BTn - sum_BTn).cummax(1).values
    return (sum_BTn + torch.maximum(highest_BTn, m_Bn[:, None])).to(m_Bn.dtype)

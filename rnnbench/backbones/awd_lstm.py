"""The LSTM of the AWD-LSTM language model (Merity et al. 2017, arXiv 1708.02182)."""

from torch import Tensor, nn

from rnnbench.backbone import Backbone, State
from rnnbench.backbones.lstm import LSTM
from rnnbench.errors import fraction
from rnnbench.regularization import run_with_dropped


class AWDLSTM(Backbone):
    """LSTM with DropConnect on its recurrent matrices, one mask a chunk (AWD-LSTM, Merity et al. 2017).

    The formula, its beginning and its speed are those of `lstm`, with M * U for U in training: M is drawn once for all
    steps and rows of a `forward`. `step` has U whole, as evaluation has; where training goes step by step (zoneout),
    use lstm with stack.weight_drop instead. The rest of the paper's model are settings: stack.locked_dropout, learner.
    {locked_dropout, embedding_dropout, activation_regularization, temporal_activation_regularization, tied,
    bptt_deviation}, stack.last_size, trainer.averaging=nt_asgd.
    """

    primitive = "torch.nn.LSTM"

    def __init__(
        self, input_size: int, *, hidden_size: int = 128, weight_drop: float = 0.5, forget_bias: float = 1.0
    ) -> None:
        super().__init__()
        fraction(weight_drop=weight_drop)
        self.lstm = LSTM(input_size, hidden_size=hidden_size, forget_bias=forget_bias)
        self.output_size = hidden_size
        self.drop = nn.Dropout(weight_drop)

    def initial_state(self, batch_size: int) -> State:
        return self.lstm.initial_state(batch_size)

    def gate_values(self, x_BI: Tensor, state: State) -> dict[str, Tensor]:
        return self.lstm.gate_values(x_BI, state)

    def step(self, x_BI: Tensor, state: State) -> tuple[Tensor, State]:
        return self.lstm.step(x_BI, state)

    def forward(self, x_BTI: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        if not (self.training and self.drop.p):
            return self.lstm(x_BTI, state)
        return run_with_dropped(self.lstm, self.lstm.recurrent_weights(), self.drop, x_BTI, state)

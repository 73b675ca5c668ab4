"""Says a sequence of tokens of its own accord, from what was read.

B rows, S steps, E embedding size, O the stack's output size, M width of the memory, T its steps, F width of what the
head reads, V outputs a step: the tokens, and last the end.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree

from rnnbench.backbone import State, tensors
from rnnbench.learners.attention import ATTENTIONS, Attention, Memory
from rnnbench.learners.reader import Reading, output_size
from rnnbench.stack import MakeStack

DecoderState = tuple[State, Tensor]
"""State of the stack, and what the head read at the last step [B, F], or [B, 0] where that is not fed back."""


@dataclass(frozen=True)
class Said:
    """What a decoder says, at one step [B, ...] or at all [B, S, ...].

    Attributes:
        outputs: logits [..., V], or [N, V] of the N steps that were asked for.
        weights: how much it looked at each step of the memory, [..., T]; None without attention.
        state: after the last step.
    """

    outputs: Tensor
    weights: Tensor | None
    state: DecoderState


class Decoder(nn.Module):
    """Embedding, stack (never bidirectional), attention, head.

    Its first input is a linear map of the summary; its state begins as the encoder's final one, layer by layer where
    the two are of one form. At each step the stack's output y is the query, and the head reads tanh(W [y; c]) with c
    what attention found (Luong et al. 2015, 1508.04025, eq. 5), or y without attention.

    Args:
        tokens: how many there are, without the end.
        make_stack: builds the stack for an input size.
        memory_size: M.
        summary_size: of what was read.
        embedding_size: E; None is O.
        attention: how memory is searched; "none" leaves the summary and the state.
        attention_size: numbers that queries and memory are compared in; None is O.
        input_feeding: the head's last input is part of the stack's next one (1508.04025 §3.3). It makes training go
            step by step.
        dropout: probability of dropping elements of the embedding and of what the head reads, in training.
        tied: embedding and head share their matrix (1608.05859); then F is E.
    """

    def __init__(
        self,
        tokens: int,
        make_stack: MakeStack,
        memory_size: int,
        summary_size: int,
        *,
        embedding_size: int | None,
        attention: Literal["additive", "multiplicative", "none"],
        attention_size: int | None,
        input_feeding: bool,
        dropout: float,
        tied: bool,
    ) -> None:
        super().__init__()
        own = output_size(make_stack, one_way=True)
        width = own if embedding_size is None else embedding_size
        read = width if tied and attention != "none" else own
        if tied and read != width:
            raise ValueError(f"tied needs learner.embedding_size={read} without attention, got {width}")
        if input_feeding and attention == "none":
            raise ValueError("input_feeding feeds back what attention found; set learner.attention, or leave it out")
        self.fed = read if input_feeding else 0
        self.embedding_size = width
        self.embedding = nn.Embedding(tokens + 1, width)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.start = nn.Linear(summary_size, width)
        self.stack = make_stack(width + self.fed, one_way=True)
        self.attention: Attention | None = None
        if attention != "none":
            self.attention = ATTENTIONS[attention](own, memory_size, attention_size or own)
            self.combine = nn.Linear(own + memory_size, read)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(read, tokens + 1)
        nn.init.zeros_(self.head.bias)
        if tied:
            self.head.weight = self.embedding.weight

    def memory(self, reading: Reading) -> Memory | None:
        """What attention looks at; None without attention."""
        return self.attention and self.attention.remember(reading.values_BTM, reading.valid_BT)

    def begin(self, reading: Reading, memory: Memory | None) -> Said:
        """The first step."""
        x_BE = self.start(reading.summary_BC)
        return self._step(x_BE, (self._first_state(reading), x_BE.new_zeros(len(x_BE), self.fed)), memory)

    def step(self, tokens_B: Tensor, state: DecoderState, memory: Memory | None) -> Said:
        """The step after those tokens."""
        return self._step(self.embedding(tokens_B), state, memory)

    def forward(
        self, reading: Reading, targets_BS: Tensor, sampling: float = 0.0, wanted_BS: Tensor | None = None
    ) -> Said:
        """All steps, each after the target before it (teacher forcing).

        Args:
            reading: what was read.
            targets_BS: what is to be said, the end included.
            sampling: probability of each step to follow what the decoder itself would have said there, drawn from its
                outputs, instead of the target (scheduled sampling, Bengio et al. 2015, 1506.03099).
            wanted_BS: True at the steps whose outputs are asked for, [N, V], which spares the head the padding; None
                asks for all.
        """
        memory = self.memory(reading)
        if self.fed or sampling:
            return self._loop(reading, targets_BS, memory, sampling, wanted_BS)
        x_BSE = torch.cat([self.start(reading.summary_BC)[:, None], self.embedding(targets_BS[:, :-1])], 1)
        y_BSO, state = self.stack(self.dropout(x_BSE), self._first_state(reading))
        outputs, weights_BST = self.read(y_BSO, memory, wanted_BS)
        return Said(outputs, weights_BST, (state, y_BSO[:, -1, :0]))

    def _loop(
        self,
        reading: Reading,
        targets_BS: Tensor,
        memory: Memory | None,
        sampling: float,
        wanted_BS: Tensor | None,
    ) -> Said:
        said = [self.begin(reading, memory)]
        for tokens_B in targets_BS.unbind(1)[:-1]:
            if sampling:
                own_B = torch.multinomial(said[-1].outputs.detach().float().softmax(-1), 1).squeeze(1)
                tokens_B = own_B.where(torch.rand(own_B.shape, device=own_B.device) < sampling, tokens_B)
            said.append(self.step(tokens_B, said[-1].state, memory))
        weights = [one.weights for one in said if one.weights is not None]
        outputs_BSV = torch.stack([one.outputs for one in said], 1)
        outputs = outputs_BSV if wanted_BS is None else outputs_BSV[wanted_BS]
        return Said(outputs, torch.stack(weights, 1) if weights else None, said[-1].state)

    def _step(self, x_BE: Tensor, state: DecoderState, memory: Memory | None) -> Said:
        before, fed_BF = state
        y_BO, after = self.stack.step(torch.cat([self.dropout(x_BE), fed_BF], 1), before)
        read_BSF, weights_BST = self._look(y_BO[:, None], memory)
        read_BF = self.dropout(read_BSF[:, 0])
        weights_BT = None if weights_BST is None else weights_BST[:, 0]
        return Said(self.head(read_BF), weights_BT, (after, read_BF[:, : self.fed]))

    def read(
        self, y_BSO: Tensor, memory: Memory | None, wanted_BS: Tensor | None = None
    ) -> tuple[Tensor, Tensor | None]:
        """The outputs for what the stack gave, [B, S, V] or [N, V] of the wanted, and the weights of the memory's
        steps.
        """
        read_BSF, weights_BST = self._look(y_BSO, memory)
        read = self.dropout(read_BSF)
        return self.head(read if wanted_BS is None else read[wanted_BS]), weights_BST

    def _look(self, y_BSO: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor | None]:
        """What the head reads, and where attention looked."""
        if self.attention is None or memory is None:
            return y_BSO, None
        found_BSM, weights_BST = self.attention(y_BSO, memory)
        return torch.tanh(self.combine(torch.cat([y_BSO, found_BSM], -1))), weights_BST

    def _first_state(self, reading: Reading) -> State:
        """The encoder's state in each layer where it is of the decoder's form; else that layer's initial one."""
        initial = self.stack.initial_state(len(reading.summary_BC))
        if reading.state is None:
            return initial
        layers = zip(reading.state, initial, strict=True)
        return tuple(given if _form(given) == _form(own) else own for given, own in layers)


def _form(state: State) -> tuple[object, list[object]]:
    return pytree.tree_structure(state), [(tensor.shape, tensor.dtype) for tensor in tensors(state)]

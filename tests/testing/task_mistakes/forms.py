"""Tasks with one mistake each in their form: in the constructor, in the options, in what they say they are."""

from rnnbench import Sources, Spec, Tokens

from .tokens import First, said


class OpensAFile(First):
    def __init__(self, sources: Sources, *, path: str = __file__) -> None:
        super().__init__(sources)
        with open(path) as file:  # noqa: PTH123 - as people write it
            self.content = file.read()


class AsksForFiles(First):
    def __init__(self, sources: Sources) -> None:
        super().__init__(sources)
        self.found = sources.files("first", ["train.txt"])


class AsksForItsData(First):
    def __init__(self, sources: Sources) -> None:
        super().__init__(sources)
        self.size = len(self.data["train"])


class Undocumented(First):
    __doc__ = None


class IrrelevantTypo(First):
    """Its option is called length."""

    irrelevant = ("lenght",)


class OptionCalledName(First):
    """The config keeps that."""

    def __init__(self, sources: Sources, *, name: str = "first") -> None:
        super().__init__(sources)


class VersionOfWords(First):
    """Counts 1.1."""

    version = 1.1  # type: ignore[assignment]


class OtherMetric(First):
    """Names another metric."""

    describe = said(metric="acuracy")


class Upwards(First):
    """Names no direction."""

    describe = said(direction="up")


class EndlessChance(First):
    """Has no chance."""

    describe = said(chance=float("nan"))


class Nameless(First):
    """Has no setting."""

    describe = said(setting="")


class StartOfOthers(First):
    """Predicts something else than its inputs."""

    describe = said(start=0, targets=Tokens(3))


class OtherShape(First):
    """Is of a shape that there is not."""

    shape = "many_to_few"  # type: ignore[assignment]


class Crashing(First):
    """Fails."""

    def describe(self) -> Spec:
        return {}["spec"]

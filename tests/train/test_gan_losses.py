"""The adversarial losses against hand-worked values; R1 against the gradient of a quadratic form."""

import torch

from spir.train.gan.losses import discriminator_loss, generator_loss, r1


def test_losses_are_softplus():
    fake, real = torch.tensor([0.0, 2.0]), torch.tensor([-1.0, 1.0])
    log = lambda x: torch.log1p(torch.exp(x))  # noqa: E731
    assert torch.allclose(generator_loss(fake), log(-fake).mean())
    assert torch.allclose(discriminator_loss(real, fake), log(fake).mean() + log(-real).mean())


def test_r1_is_the_squared_slope_at_real_pictures_and_teaches_the_discriminator():
    torch.manual_seed(0)
    form = torch.randn(12, 12, dtype=torch.float64, requires_grad=True)
    picture = torch.randn(5, 3, 2, 2, dtype=torch.float64)
    flat = picture.flatten(1)
    logits, penalty = r1(lambda x: ((x.flatten(1) @ form) * x.flatten(1)).sum(1), picture)
    assert torch.allclose(logits, torch.einsum("bi,ij,bj->b", flat, form, flat))
    slope = flat @ (form + form.T)
    assert torch.allclose(penalty, slope.square().sum(1).mean().float(), rtol=1e-5)
    (found,) = torch.autograd.grad(penalty, form)
    # d/dA mean |(A + A^T) x|^2 = mean 2 (s x^T + x s^T), s the slope.
    outer = torch.einsum("bi,bj->ij", slope, flat)
    assert torch.allclose(found, 2 * (outer + outer.T) / len(flat), rtol=1e-4)

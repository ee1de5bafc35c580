"""SMD in your own training loop: any network, any loader that yields ids, no noise level."""

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import smd
from smd import data

EPOCHS = 8

torch.manual_seed(0)
digits = data.load("digits")  # 1,797 images of 8x8 pixels, part of the package
x = torch.from_numpy(digits.pixels / 255).float()  # pixels in [0, 1]
y = torch.from_numpy(digits.labels).long()
train = smd.WithIds(TensorDataset(x[:1200], y[:1200]))  # yields (id, x, y)
loader = DataLoader(train, batch_size=64, shuffle=True)

model = nn.Sequential(
    *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
    *(nn.Flatten(), nn.Linear(256, 64), nn.ReLU(), nn.Linear(64, 10)),
)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)

defense = smd.SMD(n=len(train), epochs=EPOCHS, shape=(1, 8, 8))  # or smd.TRADES(..., beta=6)
for epoch in range(EPOCHS):
    defense.begin(epoch)
    for ids, images, labels in loader:
        optimizer.zero_grad()
        defense.step(model, ids, images, labels)  # leaves the gradient, updates the margins
        optimizer.step()
    table = defense.to_frame()
    right = 100 * table["clean_ok"].mean()
    found = table.loc[table["kind"] == "found", "margin"]  # their search met the boundary
    met = f"boundary met from {len(found)}, median margin {255 * found.median():.0f}/255"
    print(f"epoch {epoch + 1}: {right:.1f} % correct, {met}")

print(smd.attack(model, x[1200:], y[1200:], "ce-pgd", eps=16 / 255, steps=20))

"""The distance of a steer: how improbable it is to the model into whose thought it was put."""
